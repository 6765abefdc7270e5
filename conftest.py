"""What every test of the project shares."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core.signals import request_finished
from django.db import connection
from django.test import SimpleTestCase
from tests import blank

from paywell.core.db import scope_to_practice

_ROOT = Path(__file__).parent
#: Where a test reaches a database only through pytest-django, which refuses it to a test that does not ask for one.
#: Elsewhere (races, faults, restores) tests begin processes that have databases of their own.
_WATCHED = [_ROOT / "src", *(_ROOT / "tests" / name for name in ("architecture", "browser", "contract"))]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, leave out tests that can't touch a database: SQLite's run told what they can tell."""
    if not os.environ.get("PAYWELL_TEST_DATABASE_URL"):
        return
    idle = [item for item in items if _is_watched(item) and not _touches_database(item)]
    left_out = set(map(id, idle))
    items[:] = [item for item in items if id(item) not in left_out]
    config.hook.pytest_deselected(items=idle)


def _is_watched(item: pytest.Item) -> bool:
    return any(folder in item.path.parents for folder in _WATCHED)


def _touches_database(item: pytest.Item) -> bool:
    is_case = issubclass(getattr(item, "cls", None) or object, SimpleTestCase)
    asked = {"db", "transactional_db", "django_db_serialized_rollback"} & set(getattr(item, "fixturenames", ()))
    return bool(is_case or asked or item.get_closest_marker("django_db") or item.get_closest_marker("races"))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> Iterator[None]:
    """The test database begins as a copy of the blank one instead of by every migration."""
    if connection.vendor == "postgresql":
        if name := os.environ.get(blank.VARIABLE):
            connection.settings_dict["TEST"]["TEMPLATE"] = name
        yield
        return
    # The database in memory lives as long as one connection to it: this one is there first.
    name = connection.creation._get_test_db_name()
    with closing(sqlite3.connect(name, uri=True)) as first, closing(sqlite3.connect(blank.blank_file())) as whole:
        whole.backup(first)
        yield


@pytest.fixture(autouse=True, scope="session")
def _flush_append_only_tables(django_db_setup: Any, django_db_blocker: Any) -> Iterator[None]:
    """Let the clean-up after a test with real transactions empty the tables that refuse deletion.

    Only the test database's flush lifts the triggers, and it puts them back.
    """
    operations = type(connection.ops)
    original = operations.execute_sql_flush

    def execute_sql_flush(self: Any, sql_list: list[str]) -> None:
        if self.connection.vendor == "postgresql":
            with self.connection.cursor() as cursor:
                cursor.execute(
                    "SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgname LIKE '%\\_no\\_truncate'"
                )
                triggers = cursor.fetchall()
                for table, trigger in triggers:
                    cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
            try:
                original(self, sql_list)
            finally:
                with self.connection.cursor() as cursor:
                    for table, trigger in triggers:
                        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")
            return
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
            for name, _sql in triggers:
                cursor.execute(f"DROP TRIGGER {name}")
        try:
            original(self, sql_list)
        finally:
            with self.connection.cursor() as cursor:
                for _name, sql in triggers:
                    cursor.execute(sql)

    operations.execute_sql_flush = execute_sql_flush  # type: ignore[method-assign]
    yield
    operations.execute_sql_flush = original  # type: ignore[method-assign]


@pytest.fixture(autouse=True, scope="session")
def _see_all_practices_between_requests() -> Iterator[None]:
    """A test looks at rows of several practices after a request; the server lifts the scope at the next one."""

    def lift(**kwargs: Any) -> None:
        scope_to_practice(None)

    request_finished.connect(lift)
    yield
    request_finished.disconnect(lift)
