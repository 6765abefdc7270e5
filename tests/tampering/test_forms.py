"""Forms that are old, forged, borrowed, or sent more than once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.test import Client as Browser
from django.urls import reverse

from paywell.core import clock
from paywell.core.ids import new_id
from paywell.payments.models import Attempt, AttemptState
from paywell.payments.tests.factories import World, make_line, make_world
from tests.tampering.conftest import Payer, Till, make_neighbor, page_of

TOO_OLD = "This page is too old. Nothing was charged. Please start again."


def assert_starts_again(answer: Any, form: dict[str, Any], said: str) -> None:
    """The window again, with what was typed and a new form: the old one can't be sent."""
    assert answer.status_code == 422
    page = page_of(answer)
    assert said in page
    assert f'name="form" value="{form["form"]}"' not in page
    assert "Kept</textarea>" in page


def test_a_form_that_lay_for_longer_than_twelve_hours(world: World, payer: Payer, till: Till) -> None:
    form = payer.open_window(make_line(world)) | {"notes": "Kept"}
    till.remember()
    with clock.set_to(clock.now() + timedelta(hours=12, minutes=1)):
        answer = Payer(world.user).send(form)  # signed in again
    assert_starts_again(answer, form, TOO_OLD)
    till.assert_untouched()


def test_a_forged_form(world: World, payer: Payer, till: Till) -> None:
    form = payer.open_window(make_line(world)) | {"notes": "Kept"}
    elsewhere = signing.dumps([str(new_id()), "1", "2", clock.now().isoformat()], salt="elsewhere")
    forged = ["", "x", str(new_id()), form["form"][:-1], form["form"] + "x", form["form"] + "\x00", elsewhere]
    till.remember()
    for token in forged:
        assert_starts_again(payer.send(form, form=token), form | {"form": token or "-"}, TOO_OLD)
    till.assert_untouched()


@pytest.mark.parametrize("who", ["of the same practice", "of another practice"])
def test_the_form_of_another_person(world: World, payer: Payer, till: Till, who: str) -> None:
    other = make_neighbor(world) if who == "of the same practice" else make_world("Hillside")
    mine, theirs = make_line(world), make_line(other)
    form = payer.open_window(mine) | {"notes": "Kept", "form": Payer(other.user).open_window(theirs)["form"]}
    till.remember()
    assert_starts_again(payer.send(form), form, TOO_OLD)
    till.assert_untouched()


def test_the_same_form_twice_is_one_payment(world: World, payer: Payer, till: Till) -> None:
    form = payer.open_window(make_line(world))
    first = payer.send(form)
    till.remember()
    again = payer.send(form, card_token="tok_2")
    assert (again.status_code, again["Location"]) == (303, first["Location"])
    till.assert_untouched()
    assert (Attempt.objects.count(), till.processor.taken) == (1, 12_000)


@pytest.mark.parametrize("changes", [{"amount": "5.00"}, {"notes": "Kept"}, {"save_card": "on"}])
def test_the_same_form_with_other_content_changes_nothing(
    world: World, payer: Payer, till: Till, changes: dict[str, str]
) -> None:
    line = make_line(world)
    form = payer.open_window(line) | {"amount": "60.00", "consent_version": "2026-11"}
    payer.send(form)
    till.remember()
    answer = payer.send(form, **changes)
    assert answer.status_code == 422
    said = "This payment was already sent with other details. See Payment History before you pay again."
    assert said in page_of(answer)
    till.assert_untouched()


def test_a_declined_form_sent_again_is_not_tried_again(world: World, payer: Payer, till: Till) -> None:
    till.processor.behavior = "declined"
    form = payer.open_window(make_line(world))
    payer.send(form)
    till.remember()
    till.processor.behavior = "paid"
    assert payer.send(form).status_code == 303
    till.assert_untouched()
    assert Attempt.objects.get().state == AttemptState.DECLINED


@pytest.mark.parametrize("version", ["", "1999-01", "2026-11' --"])
def test_a_consent_to_a_wording_that_never_was(world: World, payer: Payer, till: Till, version: str) -> None:
    form = payer.open_window(make_line(world)) | {"notes": "Kept"}
    till.remember()
    answer = payer.send(form, save_card="on", consent_version=version)
    assert_starts_again(answer, form, TOO_OLD)
    till.assert_untouched()


def test_a_form_without_its_csrf_token(world: World, payer: Payer, till: Till) -> None:
    form = payer.open_window(make_line(world))
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(world.user)
    till.remember()
    answer = browser.post(reverse("portal:pay_start"), form)
    assert answer.status_code == 403
    till.assert_untouched()


def test_a_form_after_signing_out(world: World, payer: Payer, till: Till) -> None:
    form = payer.open_window(make_line(world))
    payer.browser.logout()
    till.remember()
    answer = payer.send(form)
    assert (answer.status_code, answer["Location"]) == (302, reverse("account_login"))
    till.assert_untouched()
