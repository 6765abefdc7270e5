"""To whom and where payments are sent: as a location of the practice says, or else as the practice does."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from django.db.models import Q

from paywell.practice.models import Location, Practice

_ADDRESS: Final = ("pay_to_street", "pay_to_city", "pay_to_state", "pay_to_postal_code")
#: The fields that say it. What a location leaves empty is the practice's.
PAY_TO: Final = ("pay_to_name", *_ADDRESS, "pay_to_note")


def get_pay_to(practice: Practice, location: Location | None = None) -> dict[str, str]:
    """The `pay_to_*` that hold for services at `location`: its name and its whole address where it has them."""
    values = {name: str(getattr(practice, name)) for name in PAY_TO}
    if location is not None:
        if location.pay_to_name:
            values["pay_to_name"] = location.pay_to_name
        if location.pay_to_street:
            values |= {name: getattr(location, name) for name in _ADDRESS}
    return values


def get_paid_elsewhere(practice: Practice) -> dict[UUID, Location]:
    """The locations that have checks sent to another name or address, by id. One query."""
    said = ~Q(pay_to_name="") | ~Q(pay_to_street="")
    return {each.id: each for each in Location.objects.filter(said, practice=practice)}


def choose_location(elsewhere: Mapping[UUID, Location], location_ids: Collection[UUID | None]) -> Location | None:
    """The one location of all these services, where it has an address of its own for payments.

    A bill has one place to send a check to. For services of several places it is the practice's.
    """
    ids = set(location_ids)
    only = ids.pop() if len(ids) == 1 else None
    return elsewhere.get(only) if only else None
