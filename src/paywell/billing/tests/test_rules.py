"""Invoices by rule: each period once, from the day on that it was chosen, not for clients left out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from paywell.accounts.models import Role
from paywell.accounts.tests.factories import make_user
from paywell.accounts.types import StaffViewer
from paywell.billing.invoice_runs import issue_by_rule, reissue_invoice
from paywell.billing.models import BillingRules, Cadence
from paywell.billing.rules import get_rules, is_due, needs_second_person, set_invoiced_by_rule, set_rules
from paywell.core import clock
from paywell.core.errors import NotAllowed, UserError
from paywell.core.money import Money
from paywell.invoicing.actions import issue_invoice, void_invoice
from paywell.invoicing.models import Invoice
from paywell.invoicing.tests.factories import make_client, make_practice, make_service
from paywell.practice.models import Practice
from paywell.work.jobs import run_due
from paywell.work.models import Work

MORNING = datetime(2026, 11, 4, 15, tzinfo=UTC)  # a Wednesday


@pytest.fixture
def practice(db: None) -> Practice:
    return make_practice()


def owner(practice: Practice, role: Role = Role.OWNER) -> StaffViewer:
    return StaffViewer(make_user().id, practice, role)


def choose(practice: Practice, cadence: Cadence) -> BillingRules:
    return set_rules(viewer=owner(practice), cadence=cadence, approve_above=None)


def run() -> int:
    began = issue_by_rule()
    run_due.call()
    return began


def test_a_daily_rule_issues_once_a_day_for_the_days_before(practice: Practice) -> None:
    client = make_client(practice)
    with clock.set_to(MORNING):
        choose(practice, Cadence.DAILY)
        make_service(client, date(2026, 11, 3))
        make_service(client, date(2026, 11, 4))
        assert run() == 0  # begins with the next day
    with clock.set_to(MORNING + timedelta(days=1)):
        assert run() == 1
        assert run() == 0
        assert Invoice.objects.get().lines.count() == 2
        make_service(client, date(2026, 11, 5))
    with clock.set_to(MORNING + timedelta(days=2)):
        assert run() == 1
    assert Invoice.objects.count() == 2
    assert {work.requested_by for work in Work.objects.all()} == {None}


def test_before_six_in_the_morning_nothing_begins(practice: Practice) -> None:
    with clock.set_to(MORNING):
        choose(practice, Cadence.DAILY)
    with clock.set_to(MORNING + timedelta(days=1) - timedelta(hours=6)):
        assert issue_by_rule() == 0


@pytest.mark.parametrize(
    ("cadence", "through", "today", "due"),
    [
        (Cadence.OFF, date(2026, 10, 1), date(2026, 11, 4), False),
        (Cadence.DAILY, date(2026, 11, 3), date(2026, 11, 4), True),
        (Cadence.WEEKLY, date(2026, 11, 2), date(2026, 11, 8), False),
        (Cadence.WEEKLY, date(2026, 11, 2), date(2026, 11, 9), True),
        (Cadence.WEEKLY, date(2026, 11, 2), date(2026, 11, 11), True),  # nobody was there on Monday
        (Cadence.MONTHLY, date(2026, 11, 1), date(2026, 11, 30), False),
        (Cadence.MONTHLY, date(2026, 11, 30), date(2026, 12, 2), True),
    ],
)
def test_when_a_rule_is_due(cadence: Cadence, through: date, today: date, due: bool) -> None:
    assert is_due(BillingRules(invoice_cadence=cadence, invoiced_through=through), today) is due


def test_a_client_left_out_is_invoiced_by_hand_alone(practice: Practice) -> None:
    one, other = make_client(practice), make_client(practice)
    with clock.set_to(MORNING):
        choose(practice, Cadence.DAILY)
        make_service(one, date(2026, 11, 3))
        make_service(other, date(2026, 11, 3))
        set_invoiced_by_rule(viewer=owner(practice), client=other, is_on=False)
    with clock.set_to(MORNING + timedelta(days=1)):
        run()
        assert Invoice.objects.get().account == one.default_account
        set_invoiced_by_rule(viewer=owner(practice), client=other, is_on=True)
    with clock.set_to(MORNING + timedelta(days=2)):
        run()
    assert Invoice.objects.count() == 2


def test_one_practice_s_rule_touches_no_other(practice: Practice) -> None:
    there = make_practice()
    with clock.set_to(MORNING):
        choose(practice, Cadence.DAILY)
        make_service(make_client(there), date(2026, 11, 3))
    with clock.set_to(MORNING + timedelta(days=1)):
        run()
    assert Invoice.objects.count() == 0


def test_only_who_changes_settings_changes_the_rules(practice: Practice) -> None:
    with pytest.raises(NotAllowed):
        set_rules(viewer=owner(practice, Role.BILLER), cadence=Cadence.DAILY, approve_above=None)
    with pytest.raises(NotAllowed):
        set_invoiced_by_rule(viewer=owner(practice, Role.FRONT_DESK), client=make_client(practice), is_on=False)
    assert get_rules(practice).invoice_cadence == Cadence.OFF


def test_the_amount_for_a_second_person(practice: Practice) -> None:
    assert not needs_second_person(practice.id, 10**9)
    set_rules(viewer=owner(practice), cadence=Cadence.OFF, approve_above=Money(5_000))
    assert [needs_second_person(practice.id, minor) for minor in (5_000, 5_001)] == [False, True]
    set_rules(viewer=owner(practice), cadence=Cadence.OFF, approve_above=None)
    assert not needs_second_person(practice.id, 5_001)


def test_a_void_invoice_is_issued_again_under_a_new_number(practice: Practice) -> None:
    client = make_client(practice)
    first = issue_invoice(
        practice=practice, account=client.default_account, services=[make_service(client)], actor_id=None
    )
    with pytest.raises(UserError) as caught:
        reissue_invoice(invoice=first, actor_id=None)
    assert caught.value.code == "not_voided"
    first = void_invoice(invoice=first, reason="Wrong address", actor_id=None)
    second = reissue_invoice(invoice=first, actor_id=None)
    assert (second.replaces_id, second.number, second.total_minor) == (
        first.id,
        first.number + 1,
        first.total_minor,
    )
    with pytest.raises(UserError) as caught:
        reissue_invoice(invoice=first, actor_id=None)
    assert caught.value.code == "already_replaced"
