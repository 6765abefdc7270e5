"""A limit on declined cards, so that nobody tries stolen ones on our pay form."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Final

from django.db.models import Count, Q
from django.db.models.functions import Coalesce
from django.utils.crypto import salted_hmac

from paywell.core.security_log import access_refused
from paywell.payments import errors
from paywell.payments.models import Attempt, AttemptState
from paywell.payments.payer import Payer

#: Within this time.
WINDOW: Final = timedelta(hours=1)
#: One family does not mistype its card more often than this.
MAX_PER_ACCOUNT: Final = 5
#: A person who pays on many accounts, an agency for instance.
MAX_PER_CONTACT: Final = 20
#: One address: many people of a house or an office, or one bot with many pay links.
MAX_PER_ORIGIN: Final = 20
#: What was sent and has no answer yet counts too: else many at once would pass before the first is declined.
_COUNTED: Final = (AttemptState.DECLINED, AttemptState.SUBMITTING)


def mark_origin(ip: str) -> str:
    """What is kept of a payer's address: a keyed digest, good for counting and for nothing else.

    Of an IPv6 address the first half: the rest is one home's own choice.
    """
    if not ip:
        return ""
    try:
        address = ip_address(ip)
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        address = IPv6Address(int(address) >> 64 << 64)
    return salted_hmac("paywell.payments.origin", str(address), algorithm="sha256").hexdigest()[:32]


def check_declines(viewer: Payer, now: datetime, *, from_ip: str = "") -> None:
    """Raises UserError `too_many_declines`. Inside T1, before anything is sent. One query, by the desk's index."""
    dated = Coalesce("closed_at", "submitted_at", "created_at")
    recent = Attempt.objects.alias(dated=dated).filter(
        practice=viewer.practice, dated__gt=now - WINDOW, state__in=_COUNTED
    )
    # Without a contact (a pay link) the account's limit stands alone.
    by_contact = Q(contact=viewer.contact_id) if viewer.contact_id else Q(pk=None)
    mark = mark_origin(from_ip)
    # Only declines: twenty people of one office may well be paying at the same moment.
    by_origin = Q(origin_mark=mark, state=AttemptState.DECLINED) if mark else Q(pk=None)
    counts = recent.aggregate(
        account=Count("id", filter=Q(account=viewer.account)),
        contact=Count("id", filter=by_contact),
        origin=Count("id", filter=by_origin),
    )
    if (
        counts["account"] >= MAX_PER_ACCOUNT
        or counts["contact"] >= MAX_PER_CONTACT
        or counts["origin"] >= MAX_PER_ORIGIN
    ):
        access_refused(viewer=viewer, kind="payment", target=viewer.account.id, reason="too many declines")
        raise errors.too_many_declines()
