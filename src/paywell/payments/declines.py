"""A limit on declined cards, so that nobody tries stolen ones on our pay form."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Q
from django.db.models.functions import Coalesce

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
#: What was sent and has no answer yet counts too: else many at once would pass before the first is declined.
_COUNTED: Final = (AttemptState.DECLINED, AttemptState.SUBMITTING)


def check_declines(viewer: Payer, now: datetime) -> None:
    """Raises UserError `too_many_declines`. Inside T1, before anything is sent. One query, by the desk's index."""
    dated = Coalesce("closed_at", "submitted_at", "created_at")
    recent = Attempt.objects.alias(dated=dated).filter(
        practice=viewer.practice, dated__gt=now - WINDOW, state__in=_COUNTED
    )
    # Without a contact (a pay link) the account's limit stands alone.
    by_contact = Q(contact=viewer.contact_id) if viewer.contact_id else Q(pk=None)
    counts = recent.aggregate(
        account=Count("id", filter=Q(account=viewer.account)), contact=Count("id", filter=by_contact)
    )
    if counts["account"] >= MAX_PER_ACCOUNT or counts["contact"] >= MAX_PER_CONTACT:
        access_refused(viewer=viewer, kind="payment", target=viewer.account.id, reason="too many declines")
        raise errors.too_many_declines()
