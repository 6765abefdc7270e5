"""Amounts that can't be paid: each gets its own words, keeps what was typed, and nothing is charged."""

from __future__ import annotations

from html import escape

import pytest

from paywell.payments.models import Attempt
from paywell.payments.tests.factories import World, make_line
from tests.tampering.conftest import Payer, Till, page_of

FORMAT = "Enter an amount in dollars and cents, like 120.00."
ZERO = "Enter an amount that is more than zero."


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Enter an amount."),
        ("   ", "Enter an amount."),
        ("0", ZERO),
        ("0.00", ZERO),
        ("$0", ZERO),
        ("-5", FORMAT),
        ("-0.01", FORMAT),
        ("+5", FORMAT),
        ("120.01", "Enter at most the balance due, $120.00."),
        ("1,000", "Enter at most the balance due, $120.00."),
        ("1000000.01", "That amount is too large."),
        ("9" * 10, FORMAT),
        ("9" * 5_000, FORMAT),
        ("12.345", "Use at most 2 decimals, like 120.00."),
        ("12.000", "Use at most 2 decimals, like 120.00."),
        ("12.", FORMAT),
        (".50", FORMAT),
        ("NaN", FORMAT),
        ("Infinity", FORMAT),
        ("-inf", FORMAT),
        ("1e2", FORMAT),
        ("0x10", FORMAT),
        ("1_0", FORMAT),
        ("1,00", FORMAT),
        ("12,5", FORMAT),
        ("1.000,00", FORMAT),
        ("€5", FORMAT),
        ("£5", FORMAT),
        ("5 EUR", FORMAT),
        ("USD 5", FORMAT),
        ("$$5", FORMAT),
        ("1 2", FORMAT),
        ("١٢", FORMAT),
        ("１２", FORMAT),
        ("²", FORMAT),
        ("12\x00", FORMAT),
        ("five", FORMAT),
        ("<b>5</b>", FORMAT),
    ],
)
def test_f14_an_amount_that_cannot_be_taken(world: World, payer: Payer, till: Till, typed: str, said: str) -> None:
    form = payer.open_window(make_line(world))
    till.remember()
    answer = payer.send(form, amount=typed, notes="For May", save_card="on", consent_version="2026-11")
    assert answer.status_code == 422
    page = page_of(answer)
    assert said in page
    assert "You have not been charged." in page
    content = answer.content.decode()
    assert f'value="{escape(typed)}"' in content
    assert "For May</textarea>" in content
    assert 'name="save_card" checked' in content
    assert f'name="form" value="{form["form"]}"' in content
    till.assert_untouched()


def test_after_the_mistake_the_same_form_pays(world: World, payer: Payer, till: Till) -> None:
    form = payer.open_window(make_line(world))
    assert payer.send(form, amount="1,00").status_code == 422
    assert payer.send(form, amount="100.00").status_code == 303
    assert till.processor.taken == 10_000


@pytest.mark.parametrize("typed", ["0.01", "239.99", "240.01", "1.00"])
def test_an_amount_smuggled_into_a_payment_of_several_services(
    world: World, payer: Payer, till: Till, typed: str
) -> None:
    form = payer.open_window(make_line(world), make_line(world))
    till.remember()
    answer = payer.send(form, amount=typed)
    assert answer.status_code == 422
    assert "The amount for several services is their sum, now $240.00. Nothing was charged." in page_of(answer)
    till.assert_untouched()


def test_several_services_are_paid_in_full_whatever_else_the_form_smuggles(
    world: World, payer: Payer, till: Till
) -> None:
    lines = make_line(world), make_line(world)
    form = payer.open_window(*lines)
    smuggled = {"amount_minor": "1", "total": "0.01", "currency": "EUR", f"amount_{lines[0].id}": "1", "actor": "x"}
    assert payer.send(form, **smuggled).status_code == 303
    attempt = Attempt.objects.get()
    assert (attempt.amount_minor, attempt.currency, till.processor.taken) == (24_000, "USD", 24_000)


def test_another_currency_in_the_form_is_not_read(world: World, payer: Payer, till: Till) -> None:
    form = payer.open_window(make_line(world))
    assert payer.send(form, amount="5.00", currency="EUR").status_code == 303
    assert Attempt.objects.get().currency == "USD"
    assert till.processor.taken == 500
