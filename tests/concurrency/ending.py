"""The race of a payer who ends an agreement against a charge of their card under it.

Each round has a practice, a card and an agreement of its own. Two processes charge; two end, once it is decided
that the card is charged. Ending takes a while to commit: a check without a lock
can't see what is not committed.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import Any
from uuid import UUID

COMMIT_S, BEGIN_S, WAIT_S = 0.03, 0.15, 2.0


def seed_agreements(rounds: int, minor: int) -> list[dict[str, str]]:
    """One agreement with something to charge for each round."""
    from paywell.agreements.tests.factories import agree
    from paywell.payments.tests.factories import make_line, make_world

    things = []
    for _ in range(rounds):
        world = make_world()
        line, agreement = make_line(world, minor), agree(world)
        things.append(
            {
                "practice": str(world.practice.id), "user": str(world.user.id), "staff": str(world.staff.id),
                "line": str(line.id), "agreement": str(agreement.id),
            }
        )  # fmt: skip
    return things


def charge_or_end(thing: dict[str, str], minor: int, *, is_payer: bool) -> str:
    """What one process does in one round."""
    from paywell.accounts.models import Role, User
    from paywell.accounts.types import StaffViewer
    from paywell.agreements.agree import end_agreement
    from paywell.agreements.charging import charge_saved_card, get_agreement
    from paywell.clients.access import access_portal
    from paywell.core.money import Money
    from paywell.practice.models import Practice

    agreement = get_agreement(UUID(thing["agreement"]))
    if is_payer:
        _await_decision(agreement.id)
        end_agreement(viewer=access_portal(User.objects.get(pk=thing["user"]), None), agreement=agreement)
        return "ended"
    staff = StaffViewer(UUID(thing["staff"]), Practice.objects.get(pk=thing["practice"]), Role.OWNER)
    return charge_saved_card(viewer=staff, agreement=agreement, amount=Money(minor), key="race").state


def _await_decision(agreement_id: UUID) -> None:
    """Until it is decided that the card is charged: what comes between that and the payment is the race."""
    from paywell.agreements.models import ChargeTry

    end = time.monotonic() + WAIT_S
    while time.monotonic() < end and not ChargeTry.objects.filter(charge__agreement_id=agreement_id).exists():
        time.sleep(0.002)


@contextmanager
def slow_ending() -> Any:
    """Ending stays a while between its writing and its commit."""
    from unittest import mock

    from paywell.agreements import agree

    tell = agree._tell

    def slowly(*arguments: Any) -> None:
        tell(*arguments)
        time.sleep(COMMIT_S)

    with mock.patch.object(agree, "_tell", slowly):
        yield


def never_asked_again() -> list[Any]:
    """The guard's patches: the payment does not ask once more whether it is agreed, and begins a little later."""
    from unittest import mock

    from paywell.agreements import charging

    start = charging.start_payment

    def later(**arguments: Any) -> Any:
        time.sleep(BEGIN_S)
        return start(**arguments)

    return [
        mock.patch.object(charging, "_still_agreed", return_value=None),
        mock.patch.object(charging, "start_payment", later),
    ]


def was_charged_after_the_end(thing: dict[str, str]) -> bool:
    """Whether a payment began once the agreement had ended."""
    from paywell.agreements.models import Agreement, ChargeTry
    from paywell.payments.models import Attempt

    ended_at = Agreement.objects.get(pk=thing["agreement"]).ended_at
    if ended_at is None:  # nobody came through with ending it: there is no end to be after
        return False
    tries = ChargeTry.objects.filter(charge__agreement=thing["agreement"]).values("attempt_id")
    return Attempt.objects.filter(pk__in=tries, created_at__gt=ended_at).exists()
