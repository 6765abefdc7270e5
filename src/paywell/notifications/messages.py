"""The words of every e-mail. No name of a person, no amount, no date of service, no name of a service.

An e-mail lies open on lock screens and in shared mailboxes: it says that something waits, and where.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext

from paywell.accounts.invitations import get_link
from paywell.accounts.models import Invitation
from paywell.core import clock
from paywell.documents.parts import phone_text
from paywell.documents.text import clean
from paywell.payments.models import PayLink
from paywell.payments.pay_links import get_url
from paywell.practice.models import Practice


@dataclass(frozen=True, slots=True)
class Message:
    subject: str
    body: str


def discreet_name(practice: Practice) -> str:
    """What the practice is called in e-mails: a practice's full name alone can tell too much."""
    return clean(practice.discreet_label or practice.name, limit=60)


def invitation(practice: Practice, invited: Invitation) -> Message:
    days = (invited.expires_at - invited.created_at).days
    return _message(
        practice,
        gettext("%(practice)s: set up your sign-in"),
        gettext(
            "%(practice)s invites you to set up your sign-in. The link is yours alone; please don't forward it."
        ),
        gettext("It works for %(days)s days.") % {"days": days},
        link=get_link(invited),
    )


def invoice_issued(practice: Practice) -> Message:
    return _message(
        practice,
        gettext("%(practice)s: a new document is in your portal"),
        gettext("A new document is in your portal. Sign in to read it."),
    )


def pay_links(practice: Practice, links: Sequence[PayLink]) -> Message:
    """The one e-mail that carries addresses that open something: dates and amounts, without signing in."""
    days = (min(link.expires_at for link in links) - clock.now()).days + 1
    return _message(
        practice,
        gettext("%(practice)s: a link to pay online"),
        gettext("You can pay online without signing in. The link is for you; please don't forward it."),
        *(get_url(link) for link in links[1:]),
        gettext("It works for %(days)s days.") % {"days": days},
        link=get_url(links[0]),
    )


def receipt_waits(practice: Practice) -> Message:
    return _message(
        practice,
        gettext("%(practice)s: a receipt is in your portal"),
        gettext("Thank you. A receipt is in your portal. Sign in to read or print it."),
    )


def refund_made(practice: Practice) -> Message:
    return _message(
        practice,
        gettext("%(practice)s: a refund is in your portal"),
        gettext(
            "A refund was sent to the card that was used. Banks take a few days to show it. Sign in to read more."
        ),
    )


def payment_came_in(practice: Practice) -> Message:
    return _message(
        practice,
        gettext("%(practice)s: a portal payment came in"),
        gettext("A payment came in through the portal. Sign in to see it."),
        with_phone=False,
    )


def review_opened(practice: Practice) -> Message:
    return _message(
        practice,
        gettext("%(practice)s: a payment needs your attention"),
        gettext(
            "Something about a payment needs a person to look at it. It waits in the inbox. Sign in to see it."
        ),
        with_phone=False,
    )


def charge_ahead(practice: Practice) -> Message:
    return _message(
        practice,
        gettext("%(practice)s: an automatic payment tomorrow"),
        gettext(
            "Tomorrow your card is charged as you agreed. Sign in to see how much and for what. You can put it on "
            "hold there until then."
        ),
    )


def charge_failed(practice: Practice) -> Message:
    return _message(
        practice,
        gettext("%(practice)s: an automatic payment did not go through"),
        gettext(
            "A charge that you agreed to did not go through. Nothing was taken. Sign in to see what to do next."
        ),
    )


def question_asked(practice: Practice) -> Message:
    return _message(
        practice,
        gettext("%(practice)s: somebody asks about a balance"),
        gettext("A question waits in the inbox. Sign in to answer it."),
        with_phone=False,
    )


def question_answered(practice: Practice) -> Message:
    return _message(
        practice,
        gettext("%(practice)s: your question is answered"),
        gettext("The answer to your question is in your portal. Sign in to read it."),
    )


def _message(
    practice: Practice, subject: str, *paragraphs: str, link: str = "", with_phone: bool = True
) -> Message:
    names = {"practice": discreet_name(practice)}
    phone = phone_text(practice.phone) if with_phone and practice.phone else ""
    lines = [
        gettext("Hello,"),
        *(part.replace("%(practice)s", names["practice"]) for part in paragraphs),
        link or f"{settings.PUBLIC_URL}/",
        *([gettext("Questions? Call %(phone)s.") % {"phone": phone}] if phone else []),
        names["practice"],
    ]
    return Message(subject=subject % names, body="\n\n".join(lines) + "\n")
