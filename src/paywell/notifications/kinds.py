"""The kinds of notices: to whom each goes, its standard words, and the closed list of what may stand in them.

An e-mail lies open on lock screens and in shared mailboxes: it says that something waits, and where. No placeholder
reaches a name of a person, an amount, a date of service or the name of a service, so no text can either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

#: What may stand in a body besides words, and how staff read it.
PLACEHOLDERS: Final[dict[str, Any]] = {
    "practice": _("what the practice is called in e-mails"),
    "link": _("the address to open"),
    "phone": _("the practice's phone; a paragraph with it is left out while there is none"),
    "days": _("a number of days"),
}


@dataclass(frozen=True, slots=True)
class NoticeKind:
    """One kind of notice. `subject` and `paragraphs` are the standard words."""

    key: str
    label: Any
    to: Any  #: who gets it, in words
    subject: Any
    paragraphs: tuple[Any, ...]
    has_days: bool = False
    is_for_staff: bool = False

    @property
    def placeholders(self) -> tuple[str, ...]:
        """What may stand in the body."""
        return ("practice", "link", "phone", *(["days"] if self.has_days else []))

    @property
    def subject_placeholders(self) -> tuple[str, ...]:
        return ("practice", *(["days"] if self.has_days else []))

    @property
    def body(self) -> str:
        """The standard body, whole."""
        phone = [] if self.is_for_staff else [_("Questions? Call {phone}.")]
        parts = [_("Hello,"), *self.paragraphs, "{link}", *phone, "{practice}"]
        return "\n\n".join(str(part) for part in parts)


_CLIENTS = _("People with a sign-in and access today")
_PAYER = _("Whoever paid")
_OUTSIDE = _("Payers without a sign-in, where online payments are on")
_OFFICE = _("Owners and billers")

_ALL: Final = (
    NoticeKind(
        "invoice_issued", _("New invoice or document"), _CLIENTS,
        _("{practice}: a new document is in your portal"),
        (_("A new document is in your portal. Sign in to read it."),),
    ),
    NoticeKind(
        "reminder_before", _("Reminder before the due date"), _CLIENTS,
        _("{practice}: something in your portal is due soon"),
        (_("Something in your portal is due soon. Sign in to see it."),),
        has_days=True,
    ),
    NoticeKind(
        "reminder_after", _("Reminder after the due date"), _CLIENTS,
        _("{practice}: something in your portal is past its due date"),
        (_("Something in your portal is past its due date. Sign in to see it. If you took care of it meanwhile, "
           "nothing is left to do."),),
        has_days=True,
    ),
    NoticeKind(
        "invoice_link", _("New invoice, without a sign-in"), _OUTSIDE,
        _("{practice}: something new to look at"),
        (_("Something new waits for you. You can see it and pay online without signing in. The link is for you; "
           "please don't forward it."),
         _("It works for {days} days.")),
        has_days=True,
    ),
    NoticeKind(
        "reminder_link", _("Reminder, without a sign-in"), _OUTSIDE,
        _("{practice}: a reminder"),
        (_("Something is still open. You can see it and pay online without signing in. If you took care of it "
           "meanwhile, nothing is left to do. The link is for you; please don't forward it."),
         _("It works for {days} days.")),
        has_days=True,
    ),
    NoticeKind(
        "receipt_waits", _("Receipt"), _PAYER,
        _("{practice}: a receipt is in your portal"),
        (_("Thank you. A receipt is in your portal. Sign in to read or print it."),),
    ),
    NoticeKind(
        "receipt_link", _("Receipt, without a sign-in"), _OUTSIDE,
        _("{practice}: a receipt"),
        (_("Thank you. Your payment is recorded. You can see it without signing in. The link is for you; please "
           "don't forward it."),
         _("It works for {days} days.")),
        has_days=True,
    ),
    NoticeKind(
        "refund_made", _("Refund"), _PAYER,
        _("{practice}: a refund is in your portal"),
        (_("A refund was sent to the card that was used. Banks take a few days to show it. Sign in to read "
           "more."),),
    ),
    NoticeKind(
        "refund_link", _("Refund, without a sign-in"), _OUTSIDE,
        _("{practice}: a refund"),
        (_("A refund was sent to the card that was used. Banks take a few days to show it. You can see it without "
           "signing in. The link is for you; please don't forward it."),
         _("It works for {days} days.")),
        has_days=True,
    ),
    NoticeKind(
        "pay_links", _("Link to pay online"), _("Whom staff choose, or who asked for it"),
        _("{practice}: a link to pay online"),
        (_("You can pay online without signing in. The link is for you; please don't forward it."),
         _("It works for {days} days.")),
        has_days=True,
    ),
    NoticeKind(
        "plan_offered", _("Payment plan offered"), _CLIENTS,
        _("{practice}: a payment plan is offered to you"),
        (_("A payment plan is offered to you. Sign in to read it. Nothing is charged unless you agree to it "
           "there."),),
    ),
    NoticeKind(
        "charge_ahead", _("Automatic payment tomorrow"), _("Whoever agreed to it"),
        _("{practice}: an automatic payment tomorrow"),
        (_("Tomorrow your card is charged as you agreed. Sign in to see how much and for what. You can put it on "
           "hold there until then."),),
    ),
    NoticeKind(
        "charge_failed", _("Automatic payment failed"), _("Whoever agreed to it"),
        _("{practice}: an automatic payment did not go through"),
        (_("A charge that you agreed to did not go through. Nothing was taken. Sign in to see what to do next."),),
    ),
    NoticeKind(
        "charge_skipped", _("Automatic payment left out"), _("Whoever agreed to it"),
        _("{practice}: an automatic payment was left out"),
        (_("An automatic payment that you agreed to was not made this time. Nothing was taken. Sign in to see why "
           "and what comes next."),),
    ),
    NoticeKind(
        "card_wanted", _("Card to add again"), _("Whom staff choose, after a change of processor"),
        _("{practice}: please add a card again"),
        (_("{practice} asks you to add a card again: the one that you saved can't be used any more. Sign in to "
           "your portal. You can save a card there when you next pay."),),
    ),
    NoticeKind(
        "question_answered", _("Answer to a question"), _("Whoever asked"),
        _("{practice}: your question is answered"),
        (_("The answer to your question is in your portal. Sign in to read it."),),
    ),
    NoticeKind(
        "invitation", _("Invitation"), _("Whoever is invited"),
        _("{practice}: set up your sign-in"),
        (_("{practice} invites you to set up your sign-in. The link is yours alone; please don't forward it."),
         _("It works for {days} days.")),
        has_days=True,
    ),
    NoticeKind(
        "payment_came_in", _("Payment came in through the portal"), _("Owners, and the client's clinician"),
        _("{practice}: a portal payment came in"),
        (_("A payment came in through the portal. Sign in to see it."),),
        is_for_staff=True,
    ),
    NoticeKind(
        "review_opened", _("Payment needs attention"), _OFFICE,
        _("{practice}: a payment needs your attention"),
        (_("Something about a payment needs a person to look at it. It waits in the inbox. Sign in to see it."),),
        is_for_staff=True,
    ),
    NoticeKind(
        "question_asked", _("Question about a balance"), _OFFICE,
        _("{practice}: somebody asks about a balance"),
        (_("A question waits in the inbox. Sign in to answer it."),),
        is_for_staff=True,
    ),
)  # fmt: skip
#: By key, in the order of the settings page.
KINDS: Final[dict[str, NoticeKind]] = {kind.key: kind for kind in _ALL}
