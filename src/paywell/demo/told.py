"""What the demonstration's people were told by e-mail: own words, reminders, the log of the last days."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import F

from paywell.accounts.access import access_desk
from paywell.accounts.types import Permission
from paywell.clients.models import Client, Contact
from paywell.core import clock
from paywell.demo.people import Troupe
from paywell.demo.story import at
from paywell.documents.jobs import HANDLERS as RECEIPTS
from paywell.notifications.kinds import KINDS
from paywell.notifications.reminders import remind_due, set_reminder_rules
from paywell.notifications.texts import set_text
from paywell.outbox.handlers import get_handlers
from paywell.outbox.models import OutboxEvent
from paywell.payments.models import ProcessorAccount, SavedCard

#: Events of these days were really mailed; what is older was told to people then.
DAYS: Final = 5
WANTS_NO_EMAIL: Final = "Greta Lund"
LEFT_BEHIND: Final = ("Samir Dunn", WANTS_NO_EMAIL)
SUBJECT: Final = "{practice}: a friendly reminder"
BODY: Final = (
    "Hello,\n\nsomething in your portal is due soon. If you would rather pay in parts, tell us: we'll find a way."
    "\n\n{link}\n\nQuestions? Call {phone}.\n\n{practice}"
)


def begin_notices(troupe: Troupe, opened_at: datetime) -> None:
    """The owner wrote one text in her own words and switched reminders on; one client asked for no e-mail."""
    Client.objects.filter(practice=troupe.practice, default_account__name=WANTS_NO_EMAIL).update(
        wants_no_email=True
    )
    owner = access_desk(troupe.owner, troupe.practice.slug, Permission.CHANGE_SETTINGS)
    with clock.set_to(opened_at):
        set_reminder_rules(viewer=owner, is_on=True, days_before=[3], days_after=[3, 7, 14])
        set_text(viewer=owner, kind=KINDS["reminder_before"], subject=SUBJECT, body=BODY)


def tell_people(troupe: Troupe, today: date, now: datetime) -> None:
    """The reminders of the last days, and every e-mail of these days as the worker would have sent it.

    Of what is older, the receipts alone: they stand among everybody's documents.
    """
    for days_ago in range(DAYS, 0, -1):
        with clock.set_to(at(troupe, today - timedelta(days=days_ago), 9, 30)):
            remind_due()
    since = at(troupe, today - timedelta(days=DAYS), 0, 0)  # whole days: the first one's reminders too
    events = OutboxEvent.objects.filter(practice_id=troupe.practice.id, delivered_at=None)
    for event in events.filter(created_at__lt=since, kind__in=RECEIPTS).order_by("created_at", "id"):
        with clock.set_to(event.created_at):
            RECEIPTS[event.kind](event)
    for event in events.filter(created_at__gte=since).order_by("created_at", "id"):
        with clock.set_to(min(event.created_at + timedelta(minutes=1), now)):
            for handler in get_handlers(event.kind):
                handler(event)
    events.update(delivered_at=F("created_at"))


def leave_cards_behind(troupe: Troupe, earlier: ProcessorAccount) -> None:
    """Two payers kept a card at the processor before and none at the present one; one of them wants no e-mail."""
    for name in LEFT_BEHIND:
        contact = Contact.objects.filter(practice=troupe.practice, name=name).first()
        if contact is not None:
            SavedCard.objects.create(
                practice=troupe.practice, processor_account=earlier, contact=contact, token=f"left_{contact.id}",
                customer_ref="left", brand="visa", last4="1881", exp_month=6, exp_year=2031,
                created_at=earlier.connected_at,
            )  # fmt: skip


def let_a_card_expire(troupe: Troupe, today: date, name: str) -> None:
    """The card by which AutoPay pays has reached its last month but one."""
    month = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    SavedCard.objects.filter(practice=troupe.practice, contact__name=name, removed_at=None).update(
        exp_year=month.year, exp_month=month.month
    )
