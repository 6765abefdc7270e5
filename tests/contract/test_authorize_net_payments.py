"""The payment path over Authorize.Net: pages that stay open, second cards, answers that get lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from paywell.core.clock import now, set_to
from paywell.core.errors import UserError
from paywell.payments.actions import cancel_attempt, check_attempt, start_payment
from paywell.payments.models import Attempt, AttemptState, Review
from paywell.payments.orders import charge_order
from paywell.payments.reconcile import reconcile_attempt
from paywell.payments.sweep import sweep
from paywell.payments.tests.checks import owed
from paywell.payments.tests.factories import World, make_form, make_line, make_world
from paywell.processors.contract import (
    Outcome,
    Step,
    Verdict,
)
from tests.contract.authorize_net_rig import AuthorizeNetRig


@pytest.fixture
def world(authorize_net: AuthorizeNetRig) -> World:
    world = make_world()
    account = world.processor_account
    account.connector, account.settings = "authorize_net", authorize_net.settings
    account.secrets = authorize_net.secrets
    account.save()
    return world


def begin(world: World, rig: AuthorizeNetRig, line: object) -> Attempt:
    attempt = start_payment(viewer=world.viewer, form=make_form(line, card_token=""))  # type: ignore[arg-type]
    assert attempt.state == AttemptState.AWAITING_ACTION
    step = Step(attempt.step_url, attempt.step_fields)
    rig.remember(charge_order(attempt), Outcome(Verdict.NEEDS_ACTION, step=step))
    return attempt


@pytest.mark.django_db
def test_a_canceled_payment_stays_until_its_page_is_over_and_then_frees_its_services(
    world: World, authorize_net: AuthorizeNetRig
) -> None:
    line = make_line(world)
    attempt = begin(world, authorize_net, line)
    assert set(attempt.step_fields) == {"token"}
    assert cancel_attempt(viewer=world.viewer, attempt=attempt).state == AttemptState.AWAITING_ACTION
    with pytest.raises(UserError) as refusal:
        start_payment(viewer=world.viewer, form=make_form(line, card_token=""))
    assert refusal.value.code == "being_paid"
    with set_to(now() + timedelta(minutes=31)):
        assert reconcile_attempt(attempt.id).state == AttemptState.EXPIRED
        again = start_payment(viewer=world.viewer, form=make_form(line, card_token=""))
    assert again.state == AttemptState.AWAITING_ACTION
    assert Attempt.objects.get(pk=attempt.pk).step_fields == {}


@pytest.mark.django_db
def test_what_is_paid_after_cancel_was_pressed_is_not_lost(world: World, authorize_net: AuthorizeNetRig) -> None:
    line = make_line(world)
    attempt = begin(world, authorize_net, line)
    cancel_attempt(viewer=world.viewer, attempt=attempt)
    authorize_net.pay(charge_order(attempt))
    assert check_attempt(attempt=attempt).state == AttemptState.SUCCEEDED
    assert owed(line) == 0


@pytest.mark.django_db
def test_a_second_card_on_a_second_tab_comes_before_a_person(world: World, authorize_net: AuthorizeNetRig) -> None:
    attempt = begin(world, authorize_net, make_line(world))
    authorize_net.pay(charge_order(attempt))
    check_attempt(attempt=attempt)
    authorize_net.pay(charge_order(attempt), "5555555555554444")
    sweep(world.processor_account, now() - timedelta(days=1))
    assert Review.objects.get().kind == "second_charge"
    assert Attempt.objects.get(pk=attempt.pk).captured_minor == 12000


@pytest.mark.django_db
@pytest.mark.parametrize("fault", ["silent_before", "silent_after", "drop_before", "error_after", "garbage"])
@pytest.mark.parametrize("call", ["open", "createCustomerProfileRequest", "find", "look_up"])
def test_f41_a_call_without_an_answer_ends_in_exactly_one_charge(
    world: World, authorize_net: AuthorizeNetRig, call: str, fault: str
) -> None:
    world.processor_account.settings = authorize_net.settings | {"timeout_s": "0.6"}
    world.processor_account.save()
    line = make_line(world)
    is_early = call in ("open", "createCustomerProfileRequest")
    if is_early:
        authorize_net.script(call, fault)
        stuck = start_payment(viewer=world.viewer, form=make_form(line, card_token=""))
        assert stuck.state == AttemptState.CREATED
    attempt = begin(world, authorize_net, line)
    authorize_net.pay(charge_order(attempt))
    if not is_early:
        authorize_net.script(call, fault)
    assert check_attempt(attempt=attempt).state in (AttemptState.AWAITING_ACTION, AttemptState.SUCCEEDED)
    world.processor_account.settings = authorize_net.settings | {"timeout_s": "10"}
    world.processor_account.save()
    with set_to(now() + timedelta(minutes=2)):
        reconcile_attempt(attempt.id)
    assert Attempt.objects.get(pk=attempt.pk).state == AttemptState.SUCCEEDED
    assert owed(line) == 0
    assert len(authorize_net.charged_there()) == 1
