"""What is made for one client reads that client's rows, however many the practice has."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from paywell.core import clock
from paywell.documents.statements import issue_statement
from paywell.documents.superbills import draft_superbills, get_services
from paywell.documents.tests.factories import NOON, make_case

pytestmark = pytest.mark.django_db

#: A step of SQLite's plan that goes through all rows of a practice in a table that grows with its clients.
WHOLE_PRACTICE = re.compile(
    r"SCAN|(?:care_service|invoicing_invoiceline|ledger_transfer|documents_issueddocument|clients_client)"
    r" USING (?:COVERING )?INDEX \w+ \(practice_id=\?(?: AND (?:at|kind)[=<]\?)?\)"
)


def get_plans(queries: CaptureQueriesContext) -> list[str]:
    """The steps of each SELECT, as SQLite plans it without statistics: so it does in the field."""
    steps = []
    with connection.cursor() as cursor:
        for query in queries.captured_queries:
            if query["sql"].startswith("SELECT"):
                cursor.execute("EXPLAIN QUERY PLAN " + query["sql"].replace("%", "%%"))
                steps += [row[3] for row in cursor.fetchall()]
    return steps


def test_the_pattern_knows_a_step_through_all_of_a_practice() -> None:
    assert WHOLE_PRACTICE.search("SEARCH ledger_transfer USING INDEX ledger_transfer_at (practice_id=? AND at<?)")
    assert WHOLE_PRACTICE.search("SEARCH care_service USING INDEX service_code (practice_id=?)")
    line = "SEARCH ledger_transfer USING INDEX ledger_transfer_line (practice_id=? AND line_id=?)"
    assert not WHOLE_PRACTICE.search(line)


@pytest.mark.skipif("connection.vendor != 'sqlite'")
@pytest.mark.parametrize("what", ["superbill", "statement"])
def test_what_is_made_for_one_client_never_reads_all_of_a_practice(what: str) -> None:
    with clock.set_to(NOON):
        case = make_case()
        with CaptureQueriesContext(connection) as queries:
            if what == "superbill":
                draft_superbills(case.practice, get_services(case.practice, [case.service.id]), case.account)
            else:
                issue_statement(
                    practice=case.practice, account=case.account,
                    date_from=case.service.on, date_to=case.service.on, actor_id=None,
                )  # fmt: skip
        plans = get_plans(queries)
    assert len(plans) >= 5
    assert [step for step in plans if WHOLE_PRACTICE.search(step)] == []
