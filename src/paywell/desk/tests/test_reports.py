"""Reports at the desk: who opens which, for which days, as a page and as a file."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from paywell.accounts.models import Role
from paywell.audit.models import AuditEvent
from paywell.billing.models import EntryKind
from paywell.desk.tests.factories import Desk, add_entry, add_service
from paywell.desk.views.reports import KINDS
from paywell.invoicing.actions import issue_invoice

#: The most queries that each page takes, its frame included, however much there is to report.
BUDGET = {
    "receivables": 13, "income": 13, "payments": 17, "deposits": 16, "credits": 13, "write-offs": 16,
    "card-expiry": 12, "month-end": 23,
}  # fmt: skip


def address(name: str, report: str) -> str:
    return reverse(f"desk:{name}", args=[report])


def read(answer: Any) -> list[list[str]]:
    text = b"".join(answer).decode()
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


@pytest.mark.parametrize("name", KINDS)
def test_every_report_opens_as_a_page_and_as_a_file(desk: Desk, name: str) -> None:
    browser = desk.browser()
    page = browser.get(address("report", name))
    assert page.status_code == 200
    assert str(KINDS[name].title).encode() in page.content.replace(b"&#x27;", b"'")
    before = AuditEvent.objects.filter(action="report.download").count()
    file = browser.get(address("report_csv", name))
    assert file["Content-Type"] == "text/csv; charset=utf-8"
    assert len({len(row) for row in read(file)}) == 1
    event = AuditEvent.objects.filter(action="report.download").latest("at")
    assert AuditEvent.objects.filter(action="report.download").count() == before + 1
    assert event.detail["report"] == name


def test_the_page_tells_in_words_what_its_bars_draw(desk: Desk) -> None:
    content = desk.browser().get(address("report", "receivables"), {"on": "2026-11-23"}).content.decode()
    bar = r'<th scope="row">([^<]+)</th><td><span class="money">([^<]+)</span><svg[^>]*aria-hidden'
    bars = re.findall(bar, content)
    assert bars == [
        ("Not overdue", "$210.00"), ("1 to 30 days", "$0.00"), ("31 to 60 days", "$0.00"),
        ("61 to 90 days", "$0.00"), ("Over 90 days", "$0.00"),
    ]  # fmt: skip
    assert "style=" not in content


def test_the_file_has_the_rows_of_the_page(desk: Desk) -> None:
    rows = read(desk.browser().get(address("report_csv", "receivables"), {"on": "2026-11-23"}))
    assert rows[0][0] == "Client"
    assert rows[1] == ["Ana Duarte", "210.00", "0.00", "0.00", "0.00", "0.00", "210.00"]
    assert rows[2:] == []


def test_no_cell_of_a_file_is_a_formula_and_amounts_below_zero_stay_numbers(desk: Desk) -> None:
    type(desk.client).objects.filter(pk=desk.client.pk).update(legal_first_name='=HYPERLINK("x")')
    browser = desk.browser()
    assert read(browser.get(address("report_csv", "receivables")))[1][0].startswith("'=HYPERLINK")
    rows = read(browser.get(address("report_csv", "month-end"), {"month": "2026-11"}))
    assert ["Owed by clients", "Paid by card", "-70.00"] in rows


def test_the_months_end_says_that_it_adds_up(desk: Desk) -> None:
    content = desk.browser().get(address("report", "month-end"), {"month": "2026-11"}).content.decode()
    assert "This page adds up to the ledger." in content
    assert "Nov 1, 2026 – Nov 30, 2026" in content


@pytest.mark.parametrize(
    ("report", "asked", "said"),
    [
        ("income", {"date_from": "yesterday"}, "Enter a date, like Nov 3, 2026."),
        ("income", {"date_from": "2026-11-03", "date_to": "2026-11-02"}, "Choose an end"),
        ("receivables", {"on": "1066-10-14"}, "Choose a day between 2000 and 2100."),
        ("card-expiry", {"date_to": "9999-12-31"}, "Choose a day between 2000 and 2100."),
        ("month-end", {"month": "November"}, "Enter a month, like Nov 2026."),
    ],
)  # fmt: skip
def test_days_that_make_no_sense_are_said_and_nothing_is_counted(
    desk: Desk, report: str, asked: dict[str, str], said: str
) -> None:
    browser = desk.browser()
    before = AuditEvent.objects.count()
    for name in ("report", "report_csv"):
        answer = browser.get(address(name, report), asked)
        assert answer.status_code == 422
        assert said in answer.content.decode()
        assert "Download as CSV" not in answer.content.decode()
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize("report", ["payments", "deposits", "month-end", "no-such-report"])
def test_a_clinician_finds_no_report_of_the_whole_practice(desk: Desk, report: str, caplog: Any) -> None:
    browser = desk.browser(Role.CLINICIAN)
    for name in ("report", "report_csv"):
        caplog.clear()
        assert browser.get(address(name, report)).status_code == 404
        assert "access refused" in caplog.text
    assert address("report", report) not in browser.get(reverse("desk:reports")).content.decode()


def test_a_clinician_reads_own_clients_only(desk: Desk) -> None:
    browser = desk.browser(Role.CLINICIAN)
    assert read(browser.get(address("report_csv", "receivables")))[1][0] == "Ana Duarte"
    type(desk.client).objects.filter(pk=desk.client.pk).update(clinician=None)
    for name, kind in KINDS.items():
        if not kind.is_whole:
            assert read(browser.get(address("report_csv", name)))[1:] == [], name
            assert "Duarte" not in browser.get(address("report", name)).content.decode(), name


def test_no_report_tells_a_diagnosis(desk: Desk) -> None:
    browser = desk.browser()
    for name in KINDS:
        assert b"F41.1" not in browser.get(address("report", name)).content


def test_a_report_costs_the_same_for_few_rows_and_for_many(desk: Desk) -> None:
    browser = desk.browser()
    days = {"date_from": "2026-01-01", "date_to": "2032-01-01", "month": "2026-11"}

    def count() -> dict[str, int]:
        found = {}
        for name in KINDS:
            with CaptureQueriesContext(connection) as queries:
                assert browser.get(address("report", name), days).status_code == 200
            found[name] = len(queries)
        return found

    few = count()
    for day in range(6, 20):
        service = add_service(desk.client, desk.clinician, desk.item, desk.service.on.replace(day=day))
        issue_invoice(
            practice=desk.practice, account=desk.client.default_account, services=[service], actor_id=None
        )
        add_entry(desk.client.default_account, EntryKind.PAYMENT, 100 + day)
    assert count() == few
    assert {name: number for name, number in few.items() if number > BUDGET[name]} == {}


@pytest.mark.parametrize(
    ("report", "days", "words"),
    [
        ("receivables", {"on": "2026-11-20"}, "At the end of Nov 20, 2026"),
        ("income", {"date_from": "2026-11-01", "date_to": "2026-11-20"}, "Nov 1, 2026 – Nov 20, 2026"),
    ],
)
def test_on_paper_a_report_names_the_practice_and_its_days(
    desk: Desk, report: str, days: dict[str, str], words: str
) -> None:
    page = desk.browser().get(reverse("desk:report", args=[report]), days).content.decode()
    assert f'<p class="print-only">{desk.practice.name} · {words}</p>' in page
