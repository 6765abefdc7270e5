"""A payer with a saved card who agreed to something."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from paywell.agreements.agree import make_agreement
from paywell.agreements.charging import get_agreement
from paywell.agreements.models import Agreement, AgreementKind
from paywell.clients.access import access_portal
from paywell.clients.types import PortalViewer
from paywell.core import clock
from paywell.core.money import Money
from paywell.payments.models import SavedCard
from paywell.payments.tests.factories import World

#: In the morning at the practice (New York), after FROM_HOUR, on the day before the first due day of the lines.
MORNING = datetime(2026, 11, 4, 16, tzinfo=UTC)
TODAY = date(2026, 11, 4)
DUE_DAY = date(2026, 11, 5)


def make_card(world: World, **fields: Any) -> SavedCard:
    values: dict[str, Any] = {
        "practice": world.practice, "processor_account": world.processor_account, "contact": world.contact,
        "token": "pm_1", "customer_ref": "cus_1", "brand": "visa", "last4": "4242", "exp_month": 4,
        "exp_year": 2031, "created_at": clock.now(),
    }  # fmt: skip
    return SavedCard.objects.create(**(values | fields))


def payer(world: World) -> PortalViewer:
    return access_portal(world.user, world.account.id)


def agree(world: World, kind: AgreementKind = AgreementKind.STAFF, limit: int = 50_000, **more: Any) -> Agreement:
    card = SavedCard.objects.filter(contact=world.contact).first() or make_card(world)
    made = make_agreement(
        viewer=payer(world), kind=kind, card_id=card.id, charge_limit=Money(limit), is_agreed=True, **more
    )
    return get_agreement(made.id)
