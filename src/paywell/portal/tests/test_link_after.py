"""product.md 1.6: what a pay link shows after its payment, when something came that nobody expects."""

from __future__ import annotations

import pytest
from django.test import Client as Browser

from paywell.billing.entries import EntryForm, make_entry, reverse_entry
from paywell.billing.invoice_runs import reissue_invoice
from paywell.billing.models import Entry, EntryKind, Method
from paywell.core import clock
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.invoicing.actions import void_invoice
from paywell.invoicing.models import InvoiceLine
from paywell.invoicing.numbers import take_number
from paywell.payments.actions import refund_payment, start_payment
from paywell.payments.models import Attempt, Dispute
from paywell.payments.tests.factories import World, make_form, make_line
from paywell.portal.tests.conftest import PortalProcessor
from paywell.portal.tests.links import make_link, pay, url_of
from paywell.portal.tests.pages import text

ASK_FIRST = "You did not expect that? Please ask"


def enter(world: World, line: InvoiceLine, kind: EntryKind, minor: int, **values: object) -> Entry:
    form = EntryForm(
        entry_id=new_id(), kind=kind, amount=Money(minor), line_ids=(line.id,), reason="Zebra", **values
    )  # type: ignore[arg-type]
    return make_entry(viewer=world.staff, account=world.account, form=form)


def give_back(world: World, minor: int) -> None:
    refund_payment(viewer=world.staff, attempt=Attempt.objects.get(), amount=Money(minor), reason="Zebra")


def dispute(status: str) -> None:
    attempt = Attempt.objects.get()
    Dispute.objects.create(
        practice=attempt.practice, attempt=attempt, processor_ref="dp_1", amount_minor=12_000, currency="USD",
        status=status, opened_at=clock.now(),
    )  # fmt: skip
    Attempt.objects.update(disputed=status != "won")


def test_a_link_that_was_never_paid_has_nothing_to_explain(nobody: Browser, world: World) -> None:
    words = text(nobody.get(url_of(make_link(make_line(world, 12_000)))))
    assert "How this came about" not in words
    assert ASK_FIRST not in words


def test_after_a_refund_in_part_the_link_says_what_came_back_and_why_it_is_due_again(
    nobody: Browser, world: World, processor: PortalProcessor
) -> None:
    link = make_link(make_line(world, 12_000))
    result = pay(nobody, link)["Location"]
    give_back(world, 3_000)
    words = text(nobody.get(url_of(link)))
    assert "$30.00 of what was paid went back to the card, so it counts as due again." in words
    assert ASK_FIRST in words
    for step in ("$120.00", "Paid by card", "− $120.00", "Refunded to the card", "+ $30.00", "Balance $30.00"):
        assert step in words
    page = text(nobody.get(result))
    assert "Refunded $30.00 of $120.00" in page
    assert "Went back to the card" in page
    assert "See the invoice" in page
    assert "Zebra" not in words + page


def test_after_a_refund_in_full_the_link_asks_to_be_asked_before_it_is_paid_again(
    nobody: Browser, world: World, processor: PortalProcessor
) -> None:
    link = make_link(make_line(world, 12_000))
    result = pay(nobody, link)["Location"]
    give_back(world, 12_000)
    words = text(nobody.get(url_of(link)))
    assert "$120.00 of what was paid went back to the card, so it counts as due again." in words
    page = text(nobody.get(result))
    assert "Refunded $120.00" in page
    assert "Pay the rest" not in page


def test_a_refund_of_what_was_then_lowered_asks_for_nothing(
    nobody: Browser, world: World, processor: PortalProcessor
) -> None:
    line = make_line(world, 12_000)
    link = make_link(line)
    pay(nobody, link)
    give_back(world, 12_000)
    enter(world, line, EntryKind.ADJUSTMENT, 12_000)
    words = text(nobody.get(url_of(link)))
    assert "Nothing is to pay on invoice" in words
    assert "is paid" not in words
    assert ASK_FIRST not in words
    assert "Adjustment" in words
    assert "Zebra" not in words


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("open", "is disputed, and the bank is looking into it. Please don't pay it a second time"),
        ("lost", "was disputed, and the bank gave the money back to the card."),
        ("won", ""),
    ],
)
def test_a_dispute_is_told_on_the_link_and_on_its_payment_until_it_is_won(
    nobody: Browser, world: World, processor: PortalProcessor, status: str, told: str
) -> None:
    link = make_link(make_line(world, 12_000))
    result = pay(nobody, link)["Location"]
    dispute(status)
    opened, page = text(nobody.get(url_of(link))), text(nobody.get(result))
    if told:
        assert f"A payment for this invoice {told}" in opened
        assert f"This payment {told}" in page
        assert "You need not do anything" not in opened
    else:
        assert "disputed" not in opened + page
        assert "You need not do anything" in opened


def test_a_payment_made_in_the_portal_is_on_the_link_without_its_card(
    nobody: Browser, world: World, processor: PortalProcessor
) -> None:
    line = make_line(world, 12_000)
    link = make_link(line)
    start_payment(viewer=world.viewer, form=make_form(line, amount=Money(5_000)))
    words = text(nobody.get(url_of(link)))
    assert "Paid by card" in words
    assert "− $50.00" in words
    assert "Balance $70.00" in words
    assert "4242" not in words
    assert "See the payment" not in words


def test_cash_stands_with_its_receipt_and_one_taken_back_without(
    nobody: Browser, world: World, processor: PortalProcessor
) -> None:
    line = make_line(world, 12_000)
    link = make_link(line)
    entry = enter(world, line, EntryKind.PAYMENT, 2_000, method=Method.CASH)
    assert "Paid, Cash" in text(nobody.get(url_of(link)))
    assert "Print Receipt" in text(nobody.get(url_of(link)))
    reverse_entry(viewer=world.staff, entry=entry, reason="Zebra")
    words = text(nobody.get(url_of(link)))
    assert "Taken back" in words
    assert "Print Receipt" not in words
    assert "Zebra" not in words


def test_the_link_of_a_void_invoice_says_that_nothing_is_owed_on_it_and_takes_nothing(
    nobody: Browser, world: World, processor: PortalProcessor
) -> None:
    line = make_line(world, 12_000)
    link = make_link(line)
    void_invoice(invoice=line.invoice, reason="Zebra", actor_id=None)
    opened = nobody.get(url_of(link))
    words = text(opened)
    assert opened.status_code == 410
    assert f"{world.practice.name} took invoice {line.invoice.label} back on" in words
    assert "If something else is due, you get a new invoice." in words
    assert "Zebra" not in words
    sent = nobody.post(f"{url_of(link)}start/", {"line": str(line.id), "card_token": "tok_1"})
    assert (sent.status_code, Attempt.objects.count(), processor.taken) == (410, 0, 0)


def test_the_link_of_a_reissued_invoice_names_the_one_in_its_place_and_opens_it_to_nobody(
    nobody: Browser, world: World, processor: PortalProcessor
) -> None:
    line = make_line(world, 12_000)
    link = make_link(line)
    take_number(world.practice, "invoice")  # the one that the line stands on
    void_invoice(invoice=line.invoice, reason="Wrong date", actor_id=None)
    line.invoice.refresh_from_db()
    first = reissue_invoice(invoice=line.invoice, actor_id=None)
    void_invoice(invoice=first, reason="Wrong date", actor_id=None)
    first.refresh_from_db()
    assert "takes its place" not in text(nobody.get(url_of(link)))
    second = reissue_invoice(invoice=first, actor_id=None)
    opened = nobody.get(url_of(link))
    assert f"Invoice {second.label} takes its place." in text(opened)
    assert 'href="/pay/ask/"' in opened.content.decode()
    assert "$120.00" not in text(opened)
