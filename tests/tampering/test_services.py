"""Services that are not the payer's to pay, or not any more."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.urls import reverse

from paywell.clients.models import Grant
from paywell.core import clock
from paywell.core.ids import new_id
from paywell.invoicing.models import Invoice, InvoiceLine
from paywell.payments.models import Attempt, Claim, SavedCard
from paywell.payments.tests.factories import World, make_line, make_other_payer, make_world
from tests.tampering.conftest import Payer, Till, make_neighbor, page_of

Refused = Callable[[], set[str]]


def make_stranger(world: World, who: str) -> World:
    return make_neighbor(world) if who == "of another client" else make_world("Hillside")


@pytest.mark.parametrize("who", ["of another client", "of another practice"])
@pytest.mark.parametrize("smuggled", ["alone", "beside my own"])
def test_f15_a_service_that_is_not_mine_is_not_found(
    world: World, payer: Payer, till: Till, refused_ids: Refused, who: str, smuggled: str
) -> None:
    mine, theirs = make_line(world), make_line(make_stranger(world, who), 7_777)
    form = payer.open_window(mine)
    chosen = [str(theirs.id)] if smuggled == "alone" else [str(mine.id), str(theirs.id)]
    till.remember()
    window = payer.browser.get(reverse("portal:pay_window"), {"line": chosen})
    sent = payer.send(form, line=chosen)
    for answer in (window, sent):
        assert answer.status_code == 404
        assert "77.77" not in page_of(answer)
    assert str(theirs.id) in refused_ids()
    till.assert_untouched()


@pytest.mark.parametrize(
    "typed", ["", "x", "1 OR 1=1", "00000000-0000-0000-0000-00000000000g", "../1", "é", "\x00"]
)
def test_an_id_that_is_none_is_not_found(world: World, payer: Payer, till: Till, typed: str) -> None:
    form = payer.open_window(make_line(world))
    till.remember()
    assert payer.send(form, line=[typed]).status_code == 404
    assert payer.browser.get(reverse("portal:pay_window"), {"line": typed}).status_code == 404
    till.assert_untouched()


def test_an_id_that_nobody_has_reads_the_same_as_another_s(world: World, payer: Payer, till: Till) -> None:
    form = payer.open_window(make_line(world))
    theirs = make_line(make_neighbor(world))
    till.remember()
    unknown, foreign = (payer.send(form, line=[str(one)]) for one in (new_id(), theirs.id))
    assert (unknown.status_code, foreign.status_code) == (404, 404)
    assert without_nonces(unknown) == without_nonces(foreign)
    till.assert_untouched()


def without_nonces(answer: Any) -> str:
    """The page without what is new in every answer."""
    return re.sub(r'(nonce|name="csrfmiddlewaretoken" value)="[^"]*"', "", answer.content.decode())


def chosen_again(payer: Payer, form: dict[str, Any]) -> str:
    """What the page says to which the refused payer is led."""
    answer = payer.browser.post(reverse("portal:pay_start"), form, follow=True)
    assert answer.redirect_chain == [(reverse("portal:pay"), 302)]
    return page_of(answer)


def test_a_service_that_is_paid_meanwhile(world: World, payer: Payer, till: Till) -> None:
    line = make_line(world)
    form = payer.open_window(line)
    payer.pay(line)
    till.remember()
    said = "One of these services is already paid. Nothing was charged. Choose again."
    assert said in chosen_again(payer, form)
    window = payer.browser.get(reverse("portal:pay_window"), {"line": str(line.id)}, follow=True)
    assert said in page_of(window)
    till.assert_untouched()


def test_a_paid_service_beside_an_open_one(world: World, payer: Payer, till: Till) -> None:
    paid, still_due = make_line(world), make_line(world)
    form = payer.open_window(paid, still_due)
    payer.pay(paid)
    till.remember()
    assert "already paid" in chosen_again(payer, form)
    till.assert_untouched()


@pytest.mark.parametrize("model", [InvoiceLine, Invoice])
def test_a_service_whose_invoice_is_withdrawn(world: World, payer: Payer, till: Till, model: Any) -> None:
    line = make_line(world)
    form = payer.open_window(line)
    row = line if model is InvoiceLine else line.invoice
    model.objects.filter(pk=row.pk).update(voided_at=clock.now())
    till.remember()
    assert "The practice has withdrawn the invoice of one of these services. Nothing was charged." in chosen_again(
        payer, form
    )
    till.assert_untouched()


def test_a_service_that_somebody_else_pays_right_now(world: World, payer: Payer, till: Till) -> None:
    line = make_line(world)
    form = payer.open_window(line)
    till.processor.behavior = "late"
    other = make_other_payer(world)
    Grant.objects.create(
        practice=world.practice, contact=other.contact, client=world.client, account=world.account, role="guardian",
        valid_from=date(2026, 1, 1), created_at=clock.now(),
    )  # fmt: skip
    first = Payer(other.contact.user).pay(line)
    assert first.contact_id == other.contact.id
    till.remember()
    said = "A payment for one of these services is in progress. Please wait for its result and don't pay again."
    assert said in chosen_again(payer, form)
    till.assert_untouched()
    assert list(Claim.objects.values_list("attempt_id", "line_id")) == [(first.id, line.id)]
    assert Attempt.objects.count() == 1


def test_nothing_ticked(world: World, payer: Payer, till: Till) -> None:
    form = payer.open_window(make_line(world))
    till.remember()
    assert "Choose at least one service to pay." in chosen_again(payer, form | {"line": []})
    till.assert_untouched()


def test_more_services_than_one_payment_takes(world: World, payer: Payer, till: Till) -> None:
    form = payer.open_window(make_line(world))
    till.remember()
    assert "Pay at most 200 services at once." in chosen_again(
        payer, form | {"line": [new_id() for _ in range(201)]}
    )
    till.assert_untouched()


@pytest.mark.parametrize("switch", ["processor", "practice", "client", "right"])
def test_a_switch_that_was_turned_off_after_the_window_opened(
    world: World, payer: Payer, till: Till, switch: str
) -> None:
    form = payer.open_window(make_line(world))
    if switch == "processor":
        world.processor_account.is_active = False
        world.processor_account.save()
    elif switch == "practice":
        type(world.practice).objects.filter(pk=world.practice.pk).update(payments_allowed=False)
    elif switch == "client":
        type(world.client).objects.filter(pk=world.client.pk).update(payments_allowed=False)
    else:
        Grant.objects.update(may_pay=False)
    till.remember()
    answer = payer.send(form)
    assert "Online payments are not turned on" in page_of(answer)
    assert Attempt.objects.count() == 0
    till.assert_untouched()


def make_card(world: World, **changes: Any) -> SavedCard:
    said: dict[str, Any] = {
        "practice": world.practice, "processor_account": world.processor_account, "contact": world.contact,
        "token": new_id().hex, "customer_ref": "cus_1", "brand": "visa", "last4": "4242", "created_at": clock.now(),
    }  # fmt: skip
    return SavedCard.objects.create(**(said | changes))


@pytest.mark.parametrize("who", ["of another client", "of another practice"])
def test_a_saved_card_that_is_not_mine_is_not_found(
    world: World, payer: Payer, till: Till, refused_ids: Refused, who: str
) -> None:
    card = make_card(make_stranger(world, who))
    form = payer.open_window(make_line(world))
    till.remember()
    assert payer.send(form, card=str(card.id)).status_code == 404
    for name in ("card_remove", "card_default", "card_rename"):
        answer = payer.browser.post(reverse(f"portal:{name}", args=[card.id]), {"name": "Mine now"})
        assert answer.status_code == 404
    assert payer.browser.get(reverse("portal:card_remove", args=[card.id])).status_code == 404
    assert str(card.id) in refused_ids()
    till.assert_untouched()


def test_a_card_that_was_removed_or_belongs_to_an_old_processor(world: World, payer: Payer, till: Till) -> None:
    removed = make_card(world, removed_at=clock.now())
    form = payer.open_window(make_line(world))
    till.remember()
    answer = payer.send(form, card=str(removed.id))
    assert answer.status_code == 422
    assert "Choose a saved card or enter a new one." in page_of(answer)
    till.assert_untouched()


@pytest.mark.parametrize("card", ["", "new"])
def test_no_card_at_all(world: World, payer: Payer, till: Till, card: str) -> None:
    form = payer.open_window(make_line(world))
    till.remember()
    answer = payer.send(form, card=card, card_token=" ", notes="Kept")
    assert answer.status_code == 422
    assert "Choose a saved card or enter a new one." in page_of(answer)
    assert "Kept</textarea>" in page_of(answer)
    till.assert_untouched()
