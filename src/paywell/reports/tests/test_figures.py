"""Exact figures of each report for a small practice whose days are known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from paywell.accounts.models import Role
from paywell.billing.entries import EntryForm, make_entry, reverse_entry
from paywell.billing.models import OF_INSURER, WITH_METHOD, Entry, EntryKind, Method
from paywell.core import clock
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.invoicing.models import InvoiceLine
from paywell.invoicing.tests.factories import make_client
from paywell.ledger.models import AccountKind
from paywell.payments.actions import refund_payment, start_payment
from paywell.payments.models import SavedCard
from paywell.payments.tests.factories import World, make_form, make_line, make_world
from paywell.payments.tests.fake_processor import FakeProcessor
from paywell.reports import credits
from paywell.reports.cards import report_cards
from paywell.reports.credits import report_credits
from paywell.reports.income import report_income
from paywell.reports.month_end import EARNED, STANDING, report_month_end
from paywell.reports.payments import report_payments
from paywell.reports.receivables import ByDebt, report_receivables
from paywell.reports.types import Period, Report, make_chart
from paywell.reports.write_offs import report_write_offs

ZONE = "America/New_York"
NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30), ZONE)
DECEMBER = Period(date(2026, 12, 1), date(2026, 12, 31), ZONE)


def at(month: int, day: int, hour: int = 17) -> Any:
    return clock.set_to(datetime(2026, month, day, hour, tzinfo=UTC))


def enter(
    world: World, kind: EntryKind, minor: int, line: InvoiceLine | None = None, reason: str = "Hardship"
) -> Entry:
    form = EntryForm(
        entry_id=new_id(), kind=kind, amount=Money(minor), line_ids=(line.id,) if line else (),
        method=Method.CHECK if kind in WITH_METHOD else None, reason=reason,
        service_id=line.service_id if line and kind in OF_INSURER else None,
    )  # fmt: skip
    return make_entry(viewer=world.staff, account=world.account, form=form)


@pytest.fixture
def world(db: None, processor: FakeProcessor) -> Iterator[World]:
    """November: three services of $120; one paid by card, $30 of it refunded; one adjusted by $10, $20 of it given
    up; a check of $400, $70 beyond what is owed. December: one more service, paid from the credit in part."""
    with at(11, 3):
        world = make_world()
        first, second, third = (make_line(world, on=date(2026, 9, day)) for day in (1, 15, 28))
    with at(11, 5):
        paid = start_payment(viewer=world.viewer, form=make_form(first))
    with at(11, 10):
        refund_payment(viewer=world.staff, attempt=paid, amount=Money(3_000), reason="Canceled")
        enter(world, EntryKind.ADJUSTMENT, 1_000, second, "Courtesy")
        enter(world, EntryKind.WRITE_OFF, 2_000, second)
    with at(11, 12):
        enter(world, EntryKind.PAYMENT, 40_000)
    with at(12, 2):
        last = make_line(world, on=date(2026, 12, 1))
    with at(12, 3):
        enter(world, EntryKind.CREDIT_USED, 5_000, last)
        yield world


def words(report: Report) -> list[list[str]]:
    return [[str(cell) for cell in row.cells] for row in report.rows]


def bars(report: Report, place: int = 0) -> list[tuple[str, str, int]]:
    return [(bar.label, str(bar.amount), bar.share) for bar in report.charts[place].bars]


def test_receivables_are_aged_by_due_date_at_the_end_of_the_day(world: World) -> None:
    on = Period(date(2000, 1, 1), date(2026, 11, 11), ZONE)
    report = report_receivables(world.staff, on)
    assert words(report) == [["Mia Stone", "$0.00", "$0.00", "$210.00", "$30.00", "$0.00", "$240.00"]]
    assert [str(cell) for cell in report.total or ()][-1] == "$240.00"
    assert bars(report)[2:4] == [("31 to 60 days", "$210.00", 100), ("61 to 90 days", "$30.00", 14)]
    later = report_receivables(world.staff, Period(date(2000, 1, 1), date(2026, 12, 3), ZONE))
    assert words(later) == [["Mia Stone", "$0.00", "$70.00", "$0.00", "$0.00", "$0.00", "$70.00"]]


def test_equal_debts_stand_by_name_across_pages_and_a_page_reads_the_names_it_needs(world: World) -> None:
    names = ("Ann", "Bea", "Cleo", "Dora", "Eve")
    keys = {name: make_client(world.practice, preferred_name=name).id for name in names}
    rows = [(keys[name], 500, 0, 0, 0, 0) for name in ("Dora", "Bea", "Cleo")]
    owed = ByDebt(
        world.staff, [(keys["Ann"], 100, 0, 0, 0, 0), *rows, (keys["Eve"], 0, 0, 0, 0, 1), (None, 7, 0, 0, 0, 0)]
    )
    assert [key for key, *_parts in owed[:1]] == [keys["Eve"]]
    assert owed.names == {None: "Of no service", keys["Eve"]: "Eve"}
    pages = [owed[place : place + 2] for place in (0, 2, 4, 6)]
    found = [owed.names[key] for page in pages for key, *_parts in page]
    assert found == ["Eve", "Bea", "Cleo", "Dora", "Ann", "Of no service"]
    assert owed[3] == owed[-3] == (keys["Dora"], 500, 0, 0, 0, 0)
    assert owed[-1][0] is None


def test_income_by_month_clinician_and_service(world: World) -> None:
    report = report_income(world.staff, Period(date(2026, 11, 1), date(2026, 12, 31), ZONE))
    assert words(report) == [
        ["Nov 2026", "Ana Ruiz", "Session", "$360.00", "-$10.00", "-$20.00", "$330.00"],
        ["Dec 2026", "Ana Ruiz", "Session", "$120.00", "$0.00", "$0.00", "$120.00"],
    ]
    assert bars(report, 0) == [("Nov 2026", "$330.00", 100), ("Dec 2026", "$120.00", 36)]
    assert bars(report, 1) == [("Ana Ruiz", "$450.00", 100)]
    assert bars(report, 2) == [("Session", "$450.00", 100)]


def test_an_insurers_money_is_income_of_its_service(world: World) -> None:
    line = InvoiceLine.objects.get(practice=world.practice, on=date(2026, 12, 1))
    type(line.service).objects.filter(pk=line.service_id).update(fee_minor=20_000, insurer_minor=8_000)
    enter(world, EntryKind.INSURER_PAYMENT, 5_000, line)
    enter(world, EntryKind.INSURER_ADJUSTMENT, 1_000, line)
    assert words(report_income(world.staff, DECEMBER)) == [
        ["Dec 2026", "Ana Ruiz", "Session", "$180.00", "-$10.00", "$0.00", "$170.00"]
    ]
    assert words(report_payments(world.staff, DECEMBER)) == [
        ["Insurers, by hand", "Check", "$50.00", "$0.00", "$0.00", "$0.00", "$0.00", "$50.00"]
    ]


def test_payments_by_processor_and_method_with_refunds_and_net(world: World) -> None:
    report = report_payments(world.staff, NOVEMBER)
    assert [row[1:] for row in words(report)] == [
        ["Check", "$400.00", "$0.00", "$0.00", "$0.00", "$0.00", "$400.00"],
        ["Card", "$120.00", "-$30.00", "$0.00", "$0.00", "$0.00", "$90.00"],
    ]
    assert [str(cell) for cell in report.total or ()][2:] == [
        "$520.00",
        "-$30.00",
        "$0.00",
        "$0.00",
        "$0.00",
        "$490.00",
    ]


def test_credit_is_aged_from_its_oldest_part_and_given_back_within_30_days(world: World) -> None:
    end = Period(date(2000, 1, 1), date(2026, 11, 28), ZONE)
    credit = 40_000 - 3_000 - 9_000 - 12_000  # the check, less the refunded part, the second and the third service
    report = report_credits(world.staff, end)
    assert [row.client_id for row in report.rows] == [world.client.id]
    assert words(report) == [["Mia Stone", str(Money(credit)), "2026-11-12", "2026-12-12", "14 days"]]
    late = Period(date(2000, 1, 1), date(2026, 12, 14), ZONE)
    report = report_credits(world.staff, late)
    assert words(report) == [["Mia Stone", str(Money(credit - 5_000)), "2026-11-12", "2026-12-12", "2 days late"]]
    assert bars(report)[2] == ("Over 30 days", str(Money(credit - 5_000)), 100)


def test_credit_that_the_ledger_keeps_is_told_as_what_the_transfers_add_up_to(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = Period(date(2000, 1, 1), date(2026, 12, 14), ZONE)
    with CaptureQueriesContext(connection) as queries:
        kept = report_credits(world.staff, until)
    assert not [each["sql"] for each in queries if "SUM(" in each["sql"]]
    monkeypatch.setattr(credits, "is_all_until", lambda viewer, end: False)
    assert report_credits(world.staff, until) == kept
    assert words(kept)[0][1] == "$110.00"


def test_credit_that_comes_back_keeps_its_age(world: World) -> None:
    used = Entry.objects.get(practice=world.practice, kind=EntryKind.CREDIT_USED)
    with at(12, 20):
        enter(world, EntryKind.PAYMENT, 7_000)  # what is left of the last service
        enter(world, EntryKind.PAYMENT, 1_000)  # new credit
        reverse_entry(viewer=world.staff, entry=used, reason="Wrong client")
    report = report_credits(world.staff, Period(date(2000, 1, 1), date(2026, 12, 20), ZONE))
    assert words(report)[0][2:] == ["2026-11-12", "2026-12-12", "8 days late"]
    assert [bar.amount for bar in report.charts[0].bars] == [Money(1_000), Money(0), Money(16_000)]


def test_write_offs_say_why_and_what_was_taken_back_counts_below_zero(world: World) -> None:
    given_up = Entry.objects.get(practice=world.practice, kind=EntryKind.WRITE_OFF)
    report = report_write_offs(world.staff, NOVEMBER)
    assert sorted(row[3:] for row in words(report)) == [
        ["Adjustment", "Courtesy", "$10.00"], ["Write-off", "Hardship", "$20.00"]
    ]  # fmt: skip
    assert bars(report) == [("Hardship", "$20.00", 100), ("Courtesy", "$10.00", 50)]
    reverse_entry(viewer=world.staff, entry=given_up, reason="Paid after all")
    assert words(report_write_offs(world.staff, DECEMBER)) == [
        ["Mia Stone", "2026-12-03", "Session", "Write-off", "Paid after all", "-$20.00"]
    ]


def test_the_months_end_adds_up(world: World) -> None:
    month = report_month_end(world.staff, NOVEMBER)
    assert month.is_right
    assert [(label, str(amount)) for label, amount in month.earned] == [
        ("Billed", "$360.00"), ("Adjusted", "-$10.00"), ("Written off", "-$20.00")
    ]  # fmt: skip
    assert str(month.income) == str(month.change) == "$330.00"
    owed = month.statements[0]
    assert (owed.title, str(owed.before), str(owed.after)) == ("Owed by clients", "$0.00", "$0.00")
    assert {label: str(amount) for label, amount in owed.moves} == {
        "Invoiced, less voided": "$360.00", "Paid by card": "-$120.00", "Refunded to cards": "$30.00",
        "Adjusted": "-$10.00", "Written off": "-$20.00", "Paid by hand": "-$240.00",
    }  # fmt: skip
    december = {each.title: each for each in report_month_end(world.staff, DECEMBER).statements}
    credit = december["Credit held for clients"]
    assert (str(credit.before), str(credit.after)) == ("$160.00", "$110.00")
    assert {label: str(amount) for label, amount in credit.moves} == {"Credit applied": "-$50.00"}


def test_a_late_hour_belongs_to_the_practices_day_and_not_to_the_day_of_greenwich(world: World) -> None:
    with at(12, 1, hour=3):  # still November 30 in New York
        make_line(world, 5_000, on=date(2026, 11, 30))
    assert str(report_month_end(world.staff, NOVEMBER).earned[0][1]) == "$410.00"
    assert words(report_income(world.staff, NOVEMBER))[0][3] == "$410.00"


@pytest.mark.parametrize(
    ("year", "month", "is_shown"), [(2026, 11, False), (2026, 12, True), (2027, 1, True), (2027, 2, False)]
)
def test_cards_are_listed_by_the_last_day_of_their_month(
    world: World, year: int, month: int, is_shown: bool
) -> None:
    SavedCard.objects.create(
        practice=world.practice, processor_account=world.processor_account, contact=world.contact, token="pm_1",
        customer_ref="cus_1", brand="amex", last4="0005", exp_month=month, exp_year=year, created_at=clock.now(),
    )  # fmt: skip
    report = report_cards(world.staff, Period(date(2026, 12, 3), date(2027, 1, 31), ZONE))
    row = ["Mia Stone", "Mia Stone", "American Express 0005"]
    assert [each[:3] for each in words(report)] == ([row] if is_shown else [])
    assert [bar.amount for bar in report.charts[0].bars] == ([1] if is_shown else [])


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has statistics of the keys")
def test_the_cards_of_a_page_are_told_by_their_own_keys_and_not_out_of_all_clients(world: World) -> None:
    SavedCard.objects.create(
        practice=world.practice, processor_account=world.processor_account, contact=world.contact, token="pm_1",
        customer_ref="cus_1", brand="visa", last4="4242", exp_month=12, exp_year=2026, created_at=clock.now(),
    )  # fmt: skip
    with CaptureQueriesContext(connection) as found:
        assert len(words(report_cards(world.staff, DECEMBER))) == 1
    plans = {}
    with connection.cursor() as cursor:
        for query in found.captured_queries:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            plans[re.findall(r'FROM "(\w+)"', query["sql"])[0]] = [row[-1] for row in cursor.fetchall()]
    assert "(card_id=?)" in plans["agreements_agreement"][0], plans
    grants = plans["clients_grant"]
    assert "contact_id=?" in grants[0], plans
    assert "SEARCH clients_client USING INDEX sqlite_autoindex_clients_client_1 (id=?)" in grants, plans
    assert not any("SUBQUERY" in step for step in grants), plans


def test_another_practice_is_in_no_report(world: World) -> None:
    other = make_world("Elsewhere")
    everything = Period(date(2000, 1, 1), date(2026, 12, 31), ZONE)
    for make in (
        report_receivables, report_income, report_payments, report_credits, report_write_offs, report_cards,
    ):  # fmt: skip
        assert make(other.staff, everything).rows == ()
    assert report_month_end(other.staff, everything).statements == ()


def test_a_clinician_counts_own_clients_only(world: World) -> None:
    theirs = replace(world.staff, role=Role.CLINICIAN, clinician_id=world.clinician.id)
    everything = Period(date(2000, 1, 1), date(2026, 12, 31), ZONE)
    made = (report_receivables, report_income, report_credits, report_write_offs, report_cards)
    assert [make(theirs, everything).rows for make in made] == [()] * 5
    type(world.client).objects.filter(pk=world.client.pk).update(clinician=world.clinician)
    for make in made:
        assert make(theirs, everything) == make(world.staff, everything)


def test_a_bar_is_as_long_as_its_part_of_the_longest_and_never_vanishes() -> None:
    chart = make_chart("", ("", ""), [("a", 1000), ("b", 1), ("c", 0), ("d", -500)])
    assert [bar.share for bar in chart.bars] == [100, 1, 0, 50]


def test_no_kind_of_account_is_forgotten_at_the_months_end() -> None:
    assert {*STANDING, *EARNED} == set(AccountKind)
