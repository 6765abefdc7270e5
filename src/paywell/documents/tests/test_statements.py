"""Statements and yearly statements: what they add up to, and for whom they are made."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from paywell.accounts.models import Role
from paywell.accounts.tests.factories import make_user
from paywell.billing.entries import EntryForm, make_entry
from paywell.billing.models import EntryKind, Method
from paywell.core import clock
from paywell.core.errors import NotFoundForViewer, UserError
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.documents.access import access_issued
from paywell.documents.making import make_statement, make_yearly
from paywell.documents.models import IssuedDocument
from paywell.documents.queries import load_issued
from paywell.documents.statements import issue_statement
from paywell.documents.tests.factories import (
    NOON,
    Case,
    make_case,
    make_contact,
    make_portal_viewer,
    make_staff_viewer,
)
from paywell.documents.types import Ageing, Entry, StatementDocument, YearlyDocument
from paywell.documents.yearly import issue_yearly
from paywell.invoicing.actions import issue_invoice, void_invoice
from paywell.invoicing.models import InvoiceLine
from paywell.invoicing.tests.factories import make_client, make_clinician, make_service
from paywell.ledger.actions import Line, Posting, Side, post
from paywell.ledger.models import AccountKind

pytestmark = pytest.mark.django_db

OCTOBER, NOVEMBER = datetime(2026, 10, 10, 18, tzinfo=UTC), datetime(2026, 11, 10, 18, tzinfo=UTC)


def case_at(moment: datetime, **service: object) -> Case:
    with clock.set_to(moment):
        return make_case(on=moment.date(), **service)  # type: ignore[arg-type]


def move(
    case: Case, debit: AccountKind, credit: AccountKind, minor: int, line_id: UUID | None, source: str
) -> None:
    post(
        practice_id=case.practice.id, book_owner_id=case.account.id, source=source,
        postings=[Posting(side(case, debit), side(case, credit), Money(minor), Line(line_id) if line_id else None)],
        actor_id=None,
    )  # fmt: skip


def enter(case: Case, form: EntryForm) -> None:
    viewer = replace(make_staff_viewer(case.practice), id=make_user().id)
    make_entry(viewer=viewer, account=case.account, form=form)


def side(case: Case, kind: AccountKind) -> Side:
    of_account = kind in (AccountKind.RECEIVABLE, AccountKind.CLIENT_CREDIT)
    return Side(kind, case.account.id if of_account else case.practice.id)


def line_of(case: Case) -> UUID:
    return InvoiceLine.objects.get(invoice=case.invoice).id


def statement(case: Case, first: date, last: date) -> StatementDocument:
    row = issue_statement(
        practice=case.practice, account=case.account, date_from=first, date_to=last, actor_id=None
    )
    document = load_issued(row)
    assert isinstance(document, StatementDocument)
    return document


def yearly(case: Case, year: int = 2026, **fields: object) -> YearlyDocument:
    row = issue_yearly(
        practice=case.practice, account=case.account, year=year, actor_id=None, **fields  # type: ignore[arg-type]
    )  # fmt: skip
    document = load_issued(row)
    assert isinstance(document, YearlyDocument)
    return document


# A statement: previous balance, lines, payments, adjustments, ending balance, ageing


def test_a_statement_goes_from_the_previous_balance_to_the_ending_one() -> None:
    case = case_at(OCTOBER)
    with clock.set_to(NOVEMBER):
        move(case, AccountKind.WRITE_OFF, AccountKind.RECEIVABLE, 1_000, line_of(case), "write_off:1")
        later = make_service(case.client, on=date(2026, 11, 9), clinician=case.service.clinician)
        issue_invoice(practice=case.practice, account=case.account, services=[later], actor_id=None)
    with clock.set_to(NOON):
        november = statement(case, date(2026, 11, 1), date(2026, 11, 23))
        october = statement(case, date(2026, 10, 1), date(2026, 10, 31))
    assert (october.previous_minor, october.ending_minor) == (0, 12_000)
    assert [(item.entry, item.amount_minor) for item in october.items] == [
        (Entry.CHARGE, 14_000), (Entry.PAYMENT, -2_000),
    ]  # fmt: skip
    assert [(item.entry, item.amount_minor, item.balance_minor) for item in november.items] == [
        (Entry.ADJUSTMENT, -1_000, 11_000), (Entry.CHARGE, 12_000, 23_000),
    ]  # fmt: skip
    assert (november.previous_minor, november.charges_minor, november.payments_minor) == (12_000, 12_000, 0)
    assert (november.adjustments_minor, november.ending_minor) == (-1_000, 23_000)
    assert november.ageing == Ageing(12_000, 11_000, 0, 0)


@pytest.mark.parametrize(
    ("days", "bucket"), [(0, 0), (30, 0), (31, 1), (60, 1), (61, 2), (90, 2), (91, 3), (400, 3)]
)
def test_ageing_counts_the_days_from_the_invoice_to_the_end_of_the_period(days: int, bucket: int) -> None:
    case = case_at(NOON)
    last = date(2026, 11, 23) + timedelta(days=days)
    with clock.set_to(NOON + timedelta(days=days)):
        document = statement(case, last, last)
    expected = [0, 0, 0, 0]
    expected[bucket] = 12_000
    assert document.ageing == Ageing(*expected)


def test_a_balance_below_zero_is_credit_and_an_applied_credit_moves_nothing() -> None:
    case = case_at(OCTOBER)
    with clock.set_to(OCTOBER):
        move(case, AccountKind.CASH, AccountKind.CLIENT_CREDIT, 20_000, None, "cash:1")
    with clock.set_to(NOVEMBER):
        move(case, AccountKind.CLIENT_CREDIT, AccountKind.RECEIVABLE, 12_000, line_of(case), "apply:1")
    with clock.set_to(NOON):
        october = statement(case, date(2026, 10, 1), date(2026, 10, 31))
        november = statement(case, date(2026, 11, 1), date(2026, 11, 23))
    assert (october.ending_minor, october.credit_minor) == (-8_000, 20_000)
    assert (november.previous_minor, november.items, november.ending_minor) == (-8_000, (), -8_000)
    assert (november.credit_minor, november.ageing) == (8_000, Ageing(0, 0, 0, 0))


def test_a_voided_invoice_stands_with_its_charge_and_its_reversal() -> None:
    case = case_at(OCTOBER)
    with clock.set_to(NOVEMBER):
        other = make_service(case.client, on=date(2026, 11, 9), clinician=case.service.clinician)
        invoice = issue_invoice(practice=case.practice, account=case.account, services=[other], actor_id=None)
        void_invoice(invoice=invoice, reason="typed twice", actor_id=None)
    with clock.set_to(NOON):
        document = statement(case, date(2026, 11, 1), date(2026, 11, 23))
    assert [(item.entry, item.amount_minor) for item in document.items] == [
        (Entry.CHARGE, 12_000), (Entry.VOID, -12_000),
    ]  # fmt: skip
    assert document.charges_minor == 0
    assert "typed twice" not in str(document)


def test_the_days_of_a_period_are_the_practices_own() -> None:
    """At 23:30 in New York it is the next day in UTC already."""
    case = case_at(datetime(2026, 11, 1, 3, 30, tzinfo=UTC))
    with clock.set_to(NOON):
        assert len(statement(case, date(2026, 10, 31), date(2026, 10, 31)).items) == 2
        assert statement(case, date(2026, 11, 1), date(2026, 11, 1)).items == ()


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        (date(2026, 11, 2), date(2026, 11, 1), "range_invalid"),
        (date(2026, 11, 2), date(2026, 11, 24), "range_ahead"),
        (date(2020, 1, 1), date(2026, 11, 1), "range_too_long"),
    ],
)
def test_a_range_that_makes_no_statement_says_why_and_issues_nothing(first: date, last: date, code: str) -> None:
    case = case_at(OCTOBER)
    with clock.set_to(NOON), pytest.raises(UserError) as refused:
        statement(case, first, last)
    assert refused.value.code == code
    assert not IssuedDocument.objects.exists()


def test_asking_again_gives_the_same_statement_until_something_changes() -> None:
    case = case_at(OCTOBER)
    with clock.set_to(NOON):
        viewer, days = make_portal_viewer(case), {"date_from": date(2026, 11, 1), "date_to": date(2026, 11, 23)}
        first = make_statement(viewer, **days)
        assert make_statement(viewer, **days).pk == first.pk
        move(case, AccountKind.CASH, AccountKind.RECEIVABLE, 500, line_of(case), "cash:1")
        second = make_statement(viewer, **days)
    assert (second.label, second.corrects_id) == ("ST-0002", first.pk)
    assert load_issued(first).replaced_by == "ST-0002"


def test_a_statement_is_made_only_for_whoever_may_see_everybody_on_the_account() -> None:
    case = case_at(OCTOBER)
    sibling = make_client(case.practice, case.account, legal_first_name="Leo")
    other = make_service(sibling, on=date(2026, 10, 9), clinician=case.service.clinician)
    with clock.set_to(NOVEMBER):
        issue_invoice(practice=case.practice, account=case.account, services=[other], actor_id=None)
    days = {"date_from": date(2026, 11, 1), "date_to": date(2026, 11, 23)}
    clinician = make_clinician(case.practice)
    with clock.set_to(NOON):
        for viewer, account_id in (
            (make_portal_viewer(case), None),
            (make_staff_viewer(case.practice, Role.CLINICIAN, clinician_id=clinician.id), case.account.id),
            (make_staff_viewer(make_case().practice), case.account.id),
        ):
            with pytest.raises(NotFoundForViewer):
                make_statement(viewer, account_id=account_id, **days)
        assert (
            make_statement(make_staff_viewer(case.practice), account_id=case.account.id, **days).label == "ST-0001"
        )


def test_a_payer_without_the_right_to_documents_reads_no_wording_and_no_others_card_on_a_statement() -> None:
    case = case_at(NOVEMBER)
    with clock.set_to(NOON):
        row = make_statement(make_portal_viewer(case), date_from=date(2026, 11, 1), date_to=date(2026, 11, 23))
        bruno = make_portal_viewer(
            case, documents=False, diagnosis=False, contact=make_contact(case.practice, "Bruno")
        )
        document = access_issued(bruno, row.id)
    assert isinstance(document, StatementDocument)
    assert [(item.wording, item.card_last4) for item in document.items] == [("", ""), ("", "")]
    assert (document.items[0].client, document.items[0].amount_minor) == ("Ana Duarte", 14_000)


# A yearly statement: by payment date, net of refunds, with service dates


def test_a_year_counts_by_the_day_of_payment_and_lists_the_days_of_service() -> None:
    case = case_at(datetime(2025, 12, 20, 18, tzinfo=UTC))
    with clock.set_to(datetime(2026, 1, 4, 18, tzinfo=UTC)):
        move(case, AccountKind.CASH, AccountKind.RECEIVABLE, 3_000, line_of(case), "cash:1")
        last_year, this_year = yearly(case, 2025), yearly(case, 2026)
    assert [(item.paid_on, item.service_on, item.amount_minor) for item in last_year.items] == [
        (date(2025, 12, 20), date(2025, 12, 20), 2_000)
    ]
    assert [(item.paid_on, item.service_on, item.amount_minor) for item in this_year.items] == [
        (date(2026, 1, 4), date(2025, 12, 20), 3_000)
    ]
    assert (last_year.through, this_year.through) == (date(2025, 12, 31), date(2026, 1, 4))


def test_a_year_is_net_of_refunds() -> None:
    case = case_at(OCTOBER)
    with clock.set_to(NOVEMBER):
        move(case, AccountKind.RECEIVABLE, AccountKind.CLEARING, 500, line_of(case), "refund:1")
    with clock.set_to(NOON):
        document = yearly(case)
    assert (document.paid_minor, document.refunded_minor, document.net_minor) == (2_000, 500, 1_500)
    assert [item.amount_minor for item in document.items] == [2_000, -500]


def test_write_offs_and_charges_are_not_paid() -> None:
    case = case_at(OCTOBER)
    with clock.set_to(NOVEMBER):
        move(case, AccountKind.WRITE_OFF, AccountKind.RECEIVABLE, 12_000, line_of(case), "write_off:1")
    with clock.set_to(NOON):
        assert yearly(case).net_minor == 2_000


def test_credit_counts_when_it_was_paid_and_names_the_service_when_it_is_used() -> None:
    case = case_at(datetime(2025, 12, 20, 18, tzinfo=UTC))
    with clock.set_to(datetime(2025, 12, 30, 18, tzinfo=UTC)):
        move(case, AccountKind.CASH, AccountKind.CLIENT_CREDIT, 5_000, None, "cash:1")
    with clock.set_to(NOON):
        move(case, AccountKind.CLIENT_CREDIT, AccountKind.RECEIVABLE, 5_000, line_of(case), "apply:1")
        last_year, this_year = yearly(case, 2025), yearly(case, 2026)
    assert last_year.net_minor == 7_000
    assert this_year.net_minor == 0
    assert [(item.service_on, item.amount_minor) for item in this_year.items] == [
        (date(2025, 12, 20), 5_000), (None, -5_000),
    ]  # fmt: skip
    assert (this_year.paid_minor, this_year.refunded_minor) == (0, 0)


@pytest.mark.parametrize(("year", "code"), [(2027, "year_ahead"), (1800, "year_ahead"), (2024, "nothing_paid")])
def test_a_year_of_which_there_is_no_statement_says_why(year: int, code: str) -> None:
    case = case_at(OCTOBER)
    with clock.set_to(NOON), pytest.raises(UserError) as refused:
        yearly(case, year)
    assert refused.value.code == code
    assert not IssuedDocument.objects.exists()


def test_a_yearly_statement_is_of_the_clients_whom_its_reader_may_see() -> None:
    case = case_at(OCTOBER)
    sibling = make_client(case.practice, case.account, legal_first_name="Leo")
    other = make_service(sibling, on=date(2026, 10, 9), clinician=case.service.clinician)
    with clock.set_to(NOVEMBER):
        invoice = issue_invoice(practice=case.practice, account=case.account, services=[other], actor_id=None)
        line = InvoiceLine.objects.get(invoice=invoice)
        move(case, AccountKind.CASH, AccountKind.RECEIVABLE, 900, line.id, "cash:1")
    with clock.set_to(NOON):
        of_one = load_issued(make_yearly(make_portal_viewer(case), year=2026))
        of_all = load_issued(make_yearly(make_staff_viewer(case.practice), year=2026, account_id=case.account.id))
        with pytest.raises(UserError, match="Nothing was paid"):
            make_yearly(replace(make_portal_viewer(case), rights=()), year=2026)
    assert isinstance(of_one, YearlyDocument)
    assert isinstance(of_all, YearlyDocument)
    assert (of_one.net_minor, of_all.net_minor) == (2_000, 2_900)
    assert "Leo" not in str(of_one)


def test_a_check_that_came_in_december_counts_there_although_it_was_entered_in_january() -> None:
    case = case_at(datetime(2025, 12, 20, 18, tzinfo=UTC))
    with clock.set_to(datetime(2026, 1, 4, 18, tzinfo=UTC)):
        form = EntryForm(
            entry_id=new_id(),
            kind=EntryKind.PAYMENT,
            amount=Money(3_000),
            on=date(2025, 12, 30),
            method=Method.CHECK,
        )
        enter(case, form)
        last_year = yearly(case, 2025)
        with pytest.raises(UserError, match="Nothing was paid in 2026"):
            yearly(case, 2026)
    assert [(item.paid_on, item.amount_minor) for item in last_year.items] == [
        (date(2025, 12, 20), 2_000), (date(2025, 12, 30), 3_000),
    ]  # fmt: skip


def test_a_statement_lists_what_was_recorded_in_its_days_with_the_day_on_which_it_came() -> None:
    case = case_at(OCTOBER)
    with clock.set_to(NOVEMBER):
        form = EntryForm(
            entry_id=new_id(),
            kind=EntryKind.PAYMENT,
            amount=Money(3_000),
            on=date(2026, 10, 30),
            method=Method.CHECK,
        )
        enter(case, form)
    with clock.set_to(NOON):
        november = statement(case, date(2026, 11, 1), date(2026, 11, 23))
        october = statement(case, date(2026, 10, 1), date(2026, 10, 31))
    assert [(item.on, item.amount_minor) for item in november.items] == [(date(2026, 10, 30), -3_000)]
    assert (october.ending_minor, november.previous_minor, november.ending_minor) == (12_000, 12_000, 9_000)
