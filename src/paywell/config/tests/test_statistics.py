from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from paywell.config.settings.base import sqlite
from paywell.core.jobs import gather_statistics
from paywell.invoicing.tests.factories import make_practice


@pytest.mark.django_db
def test_sqlite_knows_how_many_rows_a_table_has_once_the_job_ran() -> None:
    for _ in range(3):
        make_practice()
    if connection.vendor != "sqlite":
        with CaptureQueriesContext(connection) as queries:
            gather_statistics.func()
        assert len(queries) == 0
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'")
        assert cursor.fetchone() == (0,)
        gather_statistics.func()
        cursor.execute("SELECT DISTINCT substr(stat, 1, 2) FROM sqlite_stat1 WHERE tbl = 'practice_practice'")
        assert cursor.fetchall() == [("3 ",)]


def test_a_connection_to_sqlite_is_opened_anew_within_the_hour_and_knows_what_was_found() -> None:
    assert sqlite("any.sqlite3")["CONN_MAX_AGE"] == 3600
