"""A time-out, a broken line or an error at any one call: what was begun settles to one charge, or to none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from paywell.core import clock
from paywell.ledger.books import find_drift
from paywell.payments import machine
from paywell.payments.models import Attempt, AttemptState, Claim
from paywell.payments.reconcile import reconcile_due
from paywell.payments.sweep import sweep
from paywell.payments.tests.checks import owed
from paywell.payments.tests.factories import World, make_line, make_world
from paywell.processors.contract import Style
from tests.contract import rig as cards
from tests.contract.rig import Rig
from tests.contract.test_payments import pay

pytestmark = pytest.mark.django_db

#: The calls between the button and the result that are lost, in the order in which they come. Silence is like a
#: broken line, and is waited for in test_faults.
LOST = [
    ("open",), ("open", "find"), ("open", "find", "cancel"), ("commit",), ("commit", "look_up"), ("complete",),
    ("complete", "look_up"), ("look_up",),
]  # fmt: skip
LOSSES = ["drop_before", "drop_after", "error_before", "error_after", "garbage"]


@pytest.fixture
def world(rig: Rig) -> World:
    world = make_world()
    account = world.processor_account
    account.connector, account.settings, account.secrets = rig.name, rig.settings, rig.secrets
    account.save()
    return world


def settle_all(world: World) -> None:
    """What the reconciler and the sweep do in the hours after."""
    for minutes in (2, 5, 15, 40, 100, 200):
        with clock.set_to(clock.now() + timedelta(minutes=minutes)):
            reconcile_due()
    with clock.set_to(clock.now() + timedelta(hours=3, minutes=40)):
        sweep(world.processor_account, clock.now() - timedelta(hours=72))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("calls", LOST, ids="-".join)
def test_whatever_is_lost_there_is_one_charge_or_none_and_the_books_know_it(
    world: World, rig: Rig, calls: tuple[str, ...], loss: str
) -> None:
    if "commit" in calls and rig.processor.style is Style.TWO_STEP:
        pytest.skip("their own page takes the money")
    if "complete" in calls and rig.takes_money_at != "complete":
        pytest.skip(f"{rig.name} takes the money with one call")
    line = make_line(world, 12000)
    for call in calls:
        if call != "look_up":
            rig.script(call, loss)
    try:
        pay(world, rig, cards.PAID, line, consent="2026-01", fault=loss if "look_up" in calls else "")
    except AssertionError:  # two steps that could not be opened: there is no page to pay on
        assert Attempt.objects.get().state == AttemptState.CREATED
    settle_all(world)
    attempt = Attempt.objects.get()
    charged = [each.money.minor for each in rig.charged() if each.money]
    assert attempt.state in machine.CLOSED
    assert charged == ([12000] if attempt.state == AttemptState.SUCCEEDED else [])
    assert owed(line) == 12000 - sum(charged)
    assert not Claim.objects.exists()
    assert find_drift(world.practice.id) == {}
