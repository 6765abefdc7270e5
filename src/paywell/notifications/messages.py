"""Every e-mail, by what it tells of. No name of a person, no amount, no date of service, no name of a service."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings

from paywell.accounts.invitations import get_link
from paywell.accounts.models import Invitation
from paywell.core import clock
from paywell.notifications.texts import Message, compose
from paywell.payments.models import PayLink
from paywell.payments.pay_links import get_url
from paywell.practice.models import Practice


def get_front_door() -> str:
    """Where everybody signs in."""
    return f"{settings.PUBLIC_URL}/"


def invitation(practice: Practice, invited: Invitation) -> Message:
    days = (invited.expires_at - invited.created_at).days
    return compose(practice, "invitation", link=get_link(invited), days=days)


def invoice_issued(practice: Practice) -> Message:
    return _plain(practice, "invoice_issued")


def pay_links(practice: Practice, links: Sequence[PayLink]) -> Message:
    """The one e-mail that carries addresses that open something: dates and amounts, without signing in."""
    days = (min(link.expires_at for link in links) - clock.now()).days + 1
    return compose(practice, "pay_links", link="\n\n".join(get_url(link) for link in links), days=days)


def by_link(practice: Practice, notice: str, links: Sequence[PayLink]) -> Message:
    """For a payer without a sign-in: an invoice or a reminder, with what opens it in place of "sign in"."""
    days = (min(link.expires_at for link in links) - clock.now()).days + 1
    return compose(practice, notice, link="\n\n".join(get_url(link) for link in links), days=days)


def invited_again(practice: Practice, invited: Invitation) -> Message:
    """The same link once more, with the days that it still has."""
    days = (invited.expires_at - clock.now()).days + 1
    return compose(practice, "invitation", link=get_link(invited), days=days)


def reminder_before(practice: Practice, days: int) -> Message:
    """`days` until it is due; 0 on the day itself."""
    return compose(practice, "reminder_before", link=get_front_door(), days=days)


def reminder_after(practice: Practice, days: int) -> Message:
    """`days` since it was due."""
    return compose(practice, "reminder_after", link=get_front_door(), days=days)


def receipt_waits(practice: Practice) -> Message:
    return _plain(practice, "receipt_waits")


def refund_made(practice: Practice) -> Message:
    return _plain(practice, "refund_made")


def payment_came_in(practice: Practice) -> Message:
    return _plain(practice, "payment_came_in")


def review_opened(practice: Practice) -> Message:
    return _plain(practice, "review_opened")


def plan_offered(practice: Practice) -> Message:
    return _plain(practice, "plan_offered")


def charge_ahead(practice: Practice) -> Message:
    return _plain(practice, "charge_ahead")


def charge_failed(practice: Practice) -> Message:
    return _plain(practice, "charge_failed")


def charge_skipped(practice: Practice) -> Message:
    return _plain(practice, "charge_skipped")


def card_wanted(practice: Practice) -> Message:
    return _plain(practice, "card_wanted")


def question_asked(practice: Practice) -> Message:
    return _plain(practice, "question_asked")


def question_answered(practice: Practice) -> Message:
    return _plain(practice, "question_answered")


def _plain(practice: Practice, key: str) -> Message:
    return compose(practice, key, link=get_front_door())
