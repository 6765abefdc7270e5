from __future__ import annotations

from datetime import date
from unittest.mock import patch

import pytest

from paywell.accounts.models import Role
from paywell.accounts.tests.factories import make_user
from paywell.accounts.types import StaffViewer
from paywell.care.actions import void_service
from paywell.core.errors import UserError
from paywell.invoicing import actions
from paywell.invoicing.actions import issue_batch
from paywell.invoicing.models import Invoice
from paywell.invoicing.queries import get_uninvoiced, list_left_out, list_uninvoiced
from paywell.invoicing.tests.factories import (
    make_account,
    make_client,
    make_practice,
    make_service,
    make_share,
)

pytestmark = pytest.mark.django_db
OCTOBER = {"date_from": date(2026, 10, 1), "date_to": date(2026, 10, 31)}


def test_a_batch_makes_one_invoice_for_each_account_and_a_second_run_none() -> None:
    practice = make_practice()
    couple = make_account(practice, "Rhea and Tom Vale")
    rhea, tom = make_client(practice, couple), make_client(practice, couple)
    child = make_client(practice, make_account(practice, "Mother"))
    father = make_account(practice, "Father")
    make_share(child, child.default_account, 6_000)
    make_share(child, father, 4_000)
    for client in (rhea, tom, child):
        make_service(client, on=date(2026, 10, 1))
        make_service(client, on=date(2026, 10, 31))
        make_service(client, on=date(2026, 11, 1))
    void_service(service=make_service(rhea, on=date(2026, 10, 9)), actor_id=None)
    make_service(rhea, on=date(2026, 10, 12), insurer_minor=12_000)
    batch = issue_batch(practice=practice, actor_id=None, **OCTOBER)
    assert [(one.account.name, one.total_minor, one.number) for one in batch] == [
        ("Father", 9_600, 1),
        ("Mother", 14_400, 2),
        ("Rhea and Tom Vale", 48_000, 3),
    ]
    assert batch.problems == []
    assert issue_batch(practice=practice, actor_id=None, **OCTOBER) == []
    assert Invoice.objects.count() == 3


def test_an_account_that_cannot_be_invoiced_stops_no_other() -> None:
    practice = make_practice()
    bad, good = make_account(practice, "Ash"), make_account(practice, "Birch")
    for account in (bad, good):
        make_service(make_client(practice, account), on=date(2026, 10, 5))
    issue = actions.issue_invoice

    def refuse_ash(**values: object) -> Invoice:
        if values["account"] == bad:
            raise UserError("The shares changed.", code="shares_changed")
        return issue(**values)

    with patch("paywell.invoicing.actions.issue_invoice", refuse_ash):
        batch = issue_batch(practice=practice, actor_id=None, **OCTOBER)
    assert [one.account for one in batch] == [good]
    assert [(problem.account_id, problem.code) for problem in batch.problems] == [(bad.id, "shares_changed")]
    assert [one.account for one in issue_batch(practice=practice, actor_id=None, **OCTOBER)] == [bad]


def test_a_batch_never_reaches_into_another_practice() -> None:
    practice, other = make_practice(), make_practice()
    make_service(make_client(other), on=date(2026, 10, 5))
    assert issue_batch(practice=practice, actor_id=None, **OCTOBER) == []


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(UserError) as refused:
        issue_batch(practice=make_practice(), date_from=date(2026, 10, 2), date_to=date(2026, 10, 1), actor_id=None)
    assert refused.value.code == "range_invalid"


def test_the_preview_takes_the_same_number_of_queries_for_any_number_of_services(
    django_assert_num_queries: object,
) -> None:
    practice = make_practice()
    for count in (1, 7):
        for _ in range(count):
            make_service(make_client(practice, make_account(practice)), on=date(2026, 10, 5))
        with django_assert_num_queries(4):  # type: ignore[operator]
            found = get_uninvoiced(practice, OCTOBER["date_from"], OCTOBER["date_to"])
    assert len(found) == 8
    assert all(one.total.minor == 12_000 for one in found)


def test_every_service_of_the_days_is_invoiced_or_left_out_with_its_reason() -> None:
    practice = make_practice()
    viewer = StaffViewer(make_user().id, practice, Role.OWNER)
    client = make_client(practice)
    father = make_account(practice, "Father")
    shared = make_client(practice, make_account(practice, "Mother"))
    make_share(shared, shared.default_account, 6_000)
    make_share(shared, father, 4_000)
    plain, insured, gone, billed, halved = (
        make_service(client, on=date(2026, 10, 1)),
        make_service(client, on=date(2026, 10, 2), insurer_minor=12_000),
        make_service(client, on=date(2026, 10, 3)),
        make_service(client, on=date(2026, 10, 4)),
        make_service(shared, on=date(2026, 10, 5)),
    )
    make_service(client, on=date(2026, 11, 1), insurer_minor=12_000)
    make_service(make_client(make_practice()), on=date(2026, 10, 1), insurer_minor=12_000)
    void_service(service=gone, actor_id=None)
    for account, service in ((client.default_account, billed), (father, halved)):
        actions.issue_invoice(practice=practice, account=account, services=[service], actor_id=None)
    left = [
        (each.service, each.why, each.line and each.line.invoice.account)
        for each in list_left_out(viewer, **OCTOBER)
    ]
    assert left == [
        (insured, "insurer_only", None),
        (gone, "voided", None),
        (billed, "invoiced", client.default_account),
        (halved, "invoiced", father),
    ]
    bills = [(each.account.name, each.services) for each in list_uninvoiced(viewer, **OCTOBER)]
    assert bills == [("Ada Brook", (plain,)), ("Mother", (halved,))]
