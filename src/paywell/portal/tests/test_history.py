"""product.md 1.2: Payment History and its CSV."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from django.test import Client as Browser

from paywell.core import clock
from paywell.core.csv_export import harmless
from paywell.payments.tests.factories import World, make_line
from paywell.payments.types import Shown
from paywell.portal.tests.conftest import PortalProcessor
from paywell.portal.tests.pages import pay, text
from paywell.portal.words import STATUSES

HISTORY = "/portal/payments/"


def test_history_shows_what_was_paid_how_and_its_notes(browser: Browser, world: World) -> None:
    with clock.set_to(datetime(2026, 11, 20, 12, tzinfo=UTC)):
        pay(browser, make_line(world, 12000), make_line(world, 8400), notes="thank you")
        page = text(browser.get(HISTORY))
    assert "Nov 20, 2026" in page
    assert "Nov 4, 2026 Session $120.00 Nov 5, 2026 Session $84.00" in page
    assert "Visa 4242 Paid $204.00 Print Receipt" in page
    assert "thank you" in page


def test_a_declined_try_stands_there_as_declined(
    browser: Browser, world: World, processor: PortalProcessor
) -> None:
    processor.behavior = "declined"
    pay(browser, make_line(world))
    page = text(browser.get(HISTORY))
    assert "Declined $120.00" in page
    assert "Print Receipt" not in page


def test_every_status_has_a_sign_and_a_word() -> None:
    assert {str(STATUSES[shown].word) for shown in Shown} == {shown.value for shown in Shown}


def test_history_filters_by_date(browser: Browser, world: World) -> None:
    for day in (1, 10, 20):
        with clock.set_to(datetime(2026, 10, day, 12, tzinfo=UTC)):
            browser.logout()  # a day later the old session is idle
            browser.force_login(world.user)
            pay(browser, make_line(world, day * 100))
    with clock.set_to(datetime(2026, 10, 21, 12, tzinfo=UTC)):
        browser.logout()  # a day later the old session is idle
        browser.force_login(world.user)
        page = text(browser.get(HISTORY, {"from": "2026-10-05", "to": "2026-10-10"}))
    assert "$10.00" in page
    assert "$20.00" not in page
    assert "$1.00" not in page


@pytest.mark.parametrize("query", [{"from": "soon"}, {"from": "2026-10-05", "to": "2026-10-01"}])
def test_a_bad_date_is_told_at_the_field(browser: Browser, query: dict[str, str]) -> None:
    response = browser.get(HISTORY, query)
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.content.decode()
    assert "Please check this" in text(response)


def _csv(browser: Browser, **query: str) -> list[list[str]]:
    response = browser.get(HISTORY + "history.csv", query)
    assert response["Content-Disposition"] == 'attachment; filename="payment-history.csv"'
    content = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.reader(io.StringIO(content)))


def test_csv_has_one_row_for_each_service_that_was_paid(browser: Browser, world: World) -> None:
    with clock.set_to(datetime(2026, 11, 20, 12, tzinfo=UTC)):
        pay(browser, make_line(world, 12000), make_line(world, 8400))
        header, first, second = _csv(browser)
    assert header[:3] == ["Date", "Status", "Service date"]
    assert first[:8] == ["2026-11-20", "Paid", "2026-11-04", "Session", "Mia Stone", "INV-0001", "120.00", "204.00"]
    assert second[6:8] == ["84.00", "204.00"]


@pytest.mark.parametrize("notes", ['=HYPERLINK("https://example.org")', "+1", "-1", "@SUM(A1)"])
def test_no_cell_of_the_csv_is_a_formula(browser: Browser, world: World, notes: str) -> None:
    pay(browser, make_line(world), notes=notes)
    assert _csv(browser)[1][11] == "'" + notes


def test_harmless_leaves_ordinary_text_alone() -> None:
    assert [harmless(cell) for cell in ("Mia", "", "120.00", "\tx", "\rx")] == ["Mia", "", "120.00", "'\tx", "'\rx"]
