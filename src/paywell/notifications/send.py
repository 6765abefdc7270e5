"""Sends the e-mails of an event, each recipient once, and writes the delivery log."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.utils import formataddr, parseaddr
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F, Q

from paywell.core import clock
from paywell.core.errors import PaywellError
from paywell.notifications.models import Delivery, RecipientKind, SkipReason
from paywell.notifications.recipients import Recipient
from paywell.notifications.texts import Message, discreet_name
from paywell.outbox.models import OutboxEvent
from paywell.practice.models import Practice

log = logging.getLogger("paywell.notifications")

#: Longer than any mail server takes for one message; afterwards another worker may try.
_LEASE = timedelta(minutes=5)


class NotDelivered(PaywellError):
    """At least one e-mail of the event could not be handed over. The event is to be tried again."""


@dataclass(frozen=True, slots=True)
class Mail:
    to: Recipient
    message: Message


def send_all(event: OutboxEvent, practice: Practice, mails: Sequence[Mail]) -> None:
    """Hand every e-mail to the mail server that wasn't handed over before. One that fails stops no other.

    Whoever was to hear of it at an earlier try and no longer is (the invoice was voided, their access has ended)
    is marked as skipped. Raises NotDelivered at the end if any failed or another worker is at it. Runs outside
    transactions.
    """
    if event.tries > 1:
        _skip_others(event, mails)
    done = [_send(event, practice, mail) for mail in mails]
    if not all(done):
        raise NotDelivered(f"{done.count(False)} of {len(done)} e-mails of {event.kind} are not delivered yet.")


def _skip_others(event: OutboxEvent, mails: Sequence[Mail]) -> None:
    """What an earlier try began for others than these is never sent."""
    wanted = {mail.to.id for mail in mails}
    begun = Delivery.objects.filter(practice_id=event.practice_id, event_id=event.id, sent_at=None, skipped_at=None)
    begun.exclude(recipient_id__in=wanted).update(
        skipped_at=clock.now(), lease_until=None, skip_reason=SkipReason.NO_LONGER
    )


def _send(event: OutboxEvent, practice: Practice, mail: Mail) -> bool:
    now = clock.now()
    delivery, _ = Delivery.objects.get_or_create(
        practice=practice,
        event_id=event.id,
        recipient_kind=mail.to.kind,
        recipient_id=mail.to.id,
        defaults={
            "kind": event.kind,
            "notice": mail.message.notice,
            "message_id": make_message_id(event, mail.to),
            "created_at": now,
        },
    )
    if delivery.sent_at or delivery.skipped_at:
        return True
    why_not = find_reason(mail.to)
    if why_not:
        _update(delivery, skipped_at=now, skip_reason=why_not)
        return True
    if not _lease(delivery):
        return False
    try:
        _make_email(practice, mail, delivery.message_id).send()
    except Exception as error:
        # Whatever the mail server or the network did: kept for staff, without the address that it may repeat.
        _update(delivery, lease_until=None, error=type(error).__name__)
        log.warning("e-mail not sent: delivery=%s kind=%s error=%s", delivery.id, event.kind, type(error).__name__)
        return False
    _update(delivery, sent_at=clock.now(), lease_until=None, error="")
    return True


def find_reason(to: Recipient) -> str:
    """Why this one gets no e-mail; blank where it may go out."""
    if to.why_not:
        return to.why_not
    if to.kind is RecipientKind.CLINICIAN:
        return SkipReason.NO_SIGN_IN
    if to.wants_no_email:
        return SkipReason.NO_EMAIL_WANTED
    return "" if to.email else SkipReason.NO_ADDRESS


def make_message_id(event: OutboxEvent, to: Recipient) -> str:
    """The same for the same event and recipient, so that a mailbox shows a repeated e-mail once."""
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    return f"<{uuid.uuid5(event.id, f'{to.kind}:{to.id}').hex}@{host}>"


def _make_email(practice: Practice, mail: Mail, message_id: str) -> EmailMessage:
    _, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return EmailMessage(
        subject=mail.message.subject,
        body=mail.message.body,
        from_email=formataddr((discreet_name(practice), address)),
        to=[mail.to.email],
        headers={
            "Message-ID": message_id,
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
        },
    )


def _lease(delivery: Delivery) -> bool:
    """Whether this worker is the one that sends it now."""
    now = clock.now()
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    rows = Delivery.objects.filter(free, practice_id=delivery.practice_id, id=delivery.id, sent_at=None)
    return rows.update(lease_until=now + _LEASE, tries=F("tries") + 1) == 1


def _update(delivery: Delivery, **values: object) -> None:
    Delivery.objects.filter(practice_id=delivery.practice_id, id=delivery.id).update(**values)
