"""Asks payers whose card stayed at an earlier processor to add one again: once for each person and processor.

The outbox event remembers that somebody was asked, the delivery log what became of the e-mail.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from paywell.accounts.types import Permission, StaffViewer
from paywell.audit.actions import record_many
from paywell.clients.models import Contact
from paywell.core.db import phase
from paywell.core.errors import NotAllowed, UserError
from paywell.core.paging import Page
from paywell.notifications import messages
from paywell.notifications.models import Delivery, SkipReason
from paywell.notifications.recipients import get_current_payers
from paywell.notifications.send import Mail, find_reason, send_all
from paywell.outbox.actions import emit_many
from paywell.outbox.models import OutboxEvent
from paywell.payments.models import ProcessorAccount
from paywell.payments.processor_accounts import get_active
from paywell.payments.recollect import Recollection, find_waiting, is_waiting, list_recollections

KIND: Final = "payments.card_wanted"
#: Nobody can add a card where they see no account.
_NO_ACCESS: Final = gettext_lazy("No access to an account today")


@dataclass(frozen=True, slots=True)
class CardRequest:
    """One payer of the list: whether an e-mail may go out, or when it did."""

    row: Recollection
    why_not: str  #: in words; blank where this payer may be asked
    asked_at: datetime | None  #: when staff asked
    sent_at: datetime | None  #: when the mail server took it
    why_unsent: str  #: in words, where it was left out after all

    @property
    def may_ask(self) -> bool:
        return self.asked_at is None and not self.why_not


@dataclass(frozen=True, slots=True)
class Asked:
    """What asking did."""

    count: int  #: e-mails that were queued now
    before: int  #: who was asked before, and not again
    left_out: tuple[tuple[str, str], ...]  #: names with the reason


def list_card_requests(viewer: StaffViewer, page: int = 1) -> Page[CardRequest]:
    """The re-collection list with what can be and was asked. Four queries a page beside the list's own."""
    found = list_recollections(viewer, page)
    people = [row.contact for row in found.rows]
    reasons, asked = _find_reasons(viewer, people), _find_asked(viewer, people)
    events = [event.id for event in asked.values()]
    mails = {row.event_id: row for row in Delivery.objects.filter(practice=viewer.practice, event_id__in=events)}
    return found.with_rows(
        _make_request(row, reasons.get(row.contact.id, ""), asked.get(row.contact.id), mails) for row in found.rows
    )


def ask_for_cards(*, viewer: StaffViewer, contact_ids: Collection[UUID] | None) -> Asked:
    """Queue one e-mail to each of these payers; None: to everybody on the list. The same again queues nothing.

    Who is not on the viewer's list is passed over in silence. Raises NotAllowed, UserError `no_processor` where no
    card could be added.
    """
    if not viewer.may(Permission.EDIT_CLIENTS):
        raise NotAllowed
    account = get_active(viewer.practice.id)
    if account is None:
        raise UserError(_("Connect a processor first: without one nobody can add a card."), code="no_processor")
    waiting = find_waiting(viewer)
    if contact_ids is not None:
        waiting = waiting.filter(id__in=contact_ids)
    with phase():
        people = list(waiting)
        reasons, before = _find_reasons(viewer, people), _find_asked(viewer, people)
        chosen = [one for one in people if one.id not in before and one.id not in reasons]
        emit_many(
            practice_id=viewer.practice.id, kind=KIND,
            payloads={_get_key(account, one.id): {"contact_id": str(one.id)} for one in chosen},
        )  # fmt: skip
        if chosen:
            record_many(
                practice_id=viewer.practice.id, actor_id=viewer.id, action="notifications.ask_for_card",
                target_kind="contact", details={one.id: {} for one in chosen},
            )  # fmt: skip
    left_out = tuple((one.name, reasons[one.id]) for one in people if one.id in reasons and one.id not in before)
    return Asked(len(chosen), len(before), left_out)


def on_card_wanted(event: OutboxEvent) -> None:
    """Whoever added a card meanwhile, or may not any more, is left in peace."""
    contact = (
        Contact.objects.select_related("practice", "user")
        .filter(practice_id=event.practice_id, id=event.payload["contact_id"])
        .first()
    )
    if contact is None:
        return
    people = get_current_payers(contact.practice, [contact]).values() if is_waiting(contact) else ()
    message = messages.card_wanted(contact.practice)
    send_all(event, contact.practice, [Mail(to, message) for to in people])


def _make_request(
    row: Recollection, why_not: str, event: OutboxEvent | None, mails: Mapping[UUID, Delivery]
) -> CardRequest:
    mail = mails.get(event.id) if event else None
    return CardRequest(
        row=row,
        why_not=why_not,
        asked_at=event.created_at if event else None,
        sent_at=mail.sent_at if mail else None,
        why_unsent=_say(mail.skip_reason) if mail else "",
    )


def _get_key(account: ProcessorAccount, contact_id: UUID) -> str:
    """Another change of processor is another list."""
    return f"card_wanted:{account.id}:{contact_id}"


def _find_asked(viewer: StaffViewer, people: Collection[Contact]) -> dict[UUID, OutboxEvent]:
    """Who was asked for a card at the present processor, by contact."""
    account = get_active(viewer.practice.id)
    if account is None:
        return {}
    ids = {_get_key(account, one.id): one.id for one in people}
    events = OutboxEvent.objects.filter(practice_id=viewer.practice.id, dedupe__in=list(ids))
    return {ids[event.dedupe]: event for event in events}


def _find_reasons(viewer: StaffViewer, people: Collection[Contact]) -> dict[UUID, str]:
    """Who can't be told by e-mail, and why, in words."""
    reached = get_current_payers(viewer.practice, people)
    found = {}
    for one in people:
        if one.user is None or not one.user.is_active:
            found[one.id] = _say(SkipReason.NO_SIGN_IN)
        elif one.id not in reached:
            found[one.id] = str(_NO_ACCESS)
        elif reason := find_reason(reached[one.id]):
            found[one.id] = _say(reason)
    return found


def _say(reason: str) -> str:
    return str(SkipReason(reason).label) if reason else ""


HANDLERS: dict[str, Callable[[OutboxEvent], None]] = {KIND: on_card_wanted}
