"""product.md 1.2: Make a Payment, the page."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from paywell.payments.models import Attempt
from paywell.payments.tests.factories import World, make_line
from paywell.portal.tests.conftest import PortalProcessor
from paywell.portal.tests.pages import count_queries, pay, text, window_url

PAY = "/portal/pay/"


def test_each_row_says_date_service_clinician_amount_paid_balance_and_invoice(
    browser: Browser, world: World
) -> None:
    line = make_line(world, 14000, on=date(2026, 11, 3))
    pay(browser, line, amount="20.00")
    page = text(browser.get(PAY))
    assert "Nov 3, 2026 Session Ana Ruiz · INV-0001" in page
    assert "Amount $140.00 Already paid $20.00 Balance Due $120.00" in page


def test_each_row_has_a_box_a_button_and_its_prints_and_the_column_has_check_all(
    browser: Browser, world: World
) -> None:
    line = make_line(world)
    html = browser.get(PAY).content.decode()
    assert f'name="line" value="{line.id}" data-minor="12000"' in html
    assert f'href="{window_url(line)}"' in html
    assert reverse("portal:invoice_pdf", args=[line.invoice_id]) in html
    assert reverse("portal:invoice", args=[line.invoice_id]) in html
    assert reverse("portal:superbill_pdf", args=[line.service_id]) in html
    assert "Check All" in html


def test_check_all_works_without_scripts(browser: Browser, world: World) -> None:
    make_line(world)
    make_line(world)
    assert browser.get(PAY).content.decode().count(" checked>") == 0
    assert browser.get(PAY + "?all=1").content.decode().count(" checked>") == 2


def test_a_service_that_is_being_paid_says_so_with_a_link_and_has_no_box(
    browser: Browser, world: World, processor: PortalProcessor
) -> None:
    line = make_line(world)
    processor.behavior = "late"
    pay(browser, line)
    response = browser.get(PAY)
    assert "payment in progress" in text(response)
    assert reverse("portal:payment", args=[Attempt.objects.get().id]) in response.content.decode()
    assert f'value="{line.id}"' not in response.content.decode()


def test_a_paid_service_leaves_the_list(browser: Browser, world: World) -> None:
    pay(browser, make_line(world))
    page = text(browser.get(PAY))
    assert "Nothing is due" in page
    assert "Payment Amount" not in page


def test_long_lists_come_in_pages_of_25_and_ticks_survive_turning_them(browser: Browser, world: World) -> None:
    lines = [make_line(world, on=date(2026, 1, 1)) for _ in range(27)]
    html = browser.get(PAY).content.decode()
    assert html.count('name="line"') == 25
    first = next(str(line.id) for line in lines if str(line.id) in html)
    second = browser.get(f"{PAY}?page=2&line={first}").content.decode()
    assert second.count('name="line"') == 3
    assert f'value="{first}"' in second
    assert "Also ticked, on other pages" in second


def test_another_person_s_service_can_t_be_carried_along(browser: Browser, world: World, another) -> None:
    make_line(world)
    theirs = make_line(another("Hillside"))
    assert browser.get(f"{PAY}?line={theirs.id}").status_code == 404
    assert browser.get(f"{PAY}?line=nonsense").status_code == 404


@pytest.mark.parametrize("path", ["/portal/", PAY, "/portal/payments/"])
def test_the_number_of_queries_is_the_same_for_few_and_many_services(
    browser: Browser, world: World, path: str
) -> None:
    for _ in range(5):
        pay(browser, make_line(world))
        make_line(world)
    browser.get(path)
    with CaptureQueriesContext(
        connection,
    ) as few:
        browser.get(path)
    for _ in range(25):
        make_line(world)
    for _ in range(5):
        pay(browser, make_line(world))
    with CaptureQueriesContext(connection) as many:
        browser.get(path)
    assert count_queries(few) == count_queries(many)
    assert count_queries(many) <= 10
