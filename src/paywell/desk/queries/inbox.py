"""The inbox: what came in, what needs a person, what is missing before clients can pay."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db.models import Sum
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from paywell.accounts.models import Role
from paywell.accounts.types import Permission, StaffViewer
from paywell.care.models import CatalogItem
from paywell.core.backup_news import get_backup_news, is_daily
from paywell.core.money import Money
from paywell.desk.queries.clients import count_uninvited
from paywell.desk.queries.left_out import get_left_out
from paywell.desk.queries.payments import STATUS_FILTERS
from paywell.desk.queries.scope import get_today
from paywell.desk.queries.services import count_uninvoiced
from paywell.desk.queries.setup import get_open_checklist
from paywell.desk.queries.waiting import get_waiting
from paywell.desk.review_words import say_review
from paywell.desk.types import Inbox, OpenAttempt, ReviewRow, SetupGap
from paywell.desk.words import STATE_WORDS
from paywell.ledger.models import LineBalance
from paywell.payments.availability import has_processor
from paywell.payments.models import AttemptState, Review
from paywell.payments.queries import list_practice_payments
from paywell.payments.types import Shown
from paywell.practice.models import Clinician

#: How far back the inbox looks.
DAYS: Final = 7
_RECEIVED = (Shown.PAID, Shown.PARTLY_REFUNDED, Shown.DISPUTED)


def get_inbox(viewer: StaffViewer) -> Inbox:
    """Everything that the desk's first page shows; the same number of queries for any number of clients."""
    zero = Money(0, viewer.practice.currency)
    sees_money = viewer.may(Permission.SEE_MONEY)
    since = get_today(viewer) - timedelta(days=DAYS - 1)
    payments = (
        list_practice_payments(viewer, since, states=(AttemptState.SUCCEEDED, AttemptState.DECLINED)).rows
        if sees_money
        else ()
    )
    checklist = get_open_checklist(viewer)
    received = sum((row.amount - row.refunded for row in payments if row.status in _RECEIVED), zero)
    return Inbox(
        payments=payments,
        received=received,
        open_attempts=_list_open(viewer) if sees_money else (),
        reviews=_list_reviews(viewer) if viewer.may(Permission.REFUND) else (),
        waiting=get_waiting(viewer),
        checklist=checklist,
        gaps=(*_backup_gaps(viewer), *(() if checklist else _gaps(viewer))),
        uninvoiced_count=count_uninvoiced(viewer) if viewer.may(Permission.ISSUE_INVOICES) else 0,
        left_out=get_left_out(viewer),
        overdue=_get_overdue(viewer) if sees_money and viewer.role is not Role.CLINICIAN else zero,
        days=DAYS,
    )


def _list_open(viewer: StaffViewer) -> tuple[OpenAttempt, ...]:
    """Payments without a settled outcome, whatever their age. Staff need not act, but should know."""
    rows = list_practice_payments(viewer, states=STATUS_FILTERS["processing"]).rows
    return tuple(
        OpenAttempt(row.attempt_id, row.at, row.account_name, row.amount, str(STATE_WORDS["processing"][0]))
        for row in rows
    )


def _list_reviews(viewer: StaffViewer) -> tuple[ReviewRow, ...]:
    rows = Review.objects.filter(practice=viewer.practice, closed_at=None).order_by("opened_at")[:50]
    return tuple(
        ReviewRow(review, say_review(review.kind), Money(review.amount_minor, review.currency)) for review in rows
    )


def _get_overdue(viewer: StaffViewer) -> Money:
    late = LineBalance.objects.filter(
        practice_id=viewer.practice.id, balance_minor__gt=0, due_on__lt=get_today(viewer)
    )
    return Money(late.aggregate(total=Sum("balance_minor"))["total"] or 0, viewer.practice.currency)


def _backup_gaps(viewer: StaffViewer) -> list[SetupGap]:
    if not viewer.may(Permission.CHANGE_SETTINGS) or not is_daily() or get_backup_news().is_well:
        return []
    words = _("The newest back-up failed, or could not be put back when it was tried out.")
    return [SetupGap("no_backup", words, reverse("desk:status"), _("See why"))]


def _gaps(viewer: StaffViewer) -> list[SetupGap]:
    """What is missing, in words, for those who can mend it."""
    gaps: list[SetupGap] = []
    if viewer.may(Permission.CHANGE_SETTINGS):
        gaps += _settings_gaps(viewer)
    if viewer.may(Permission.EDIT_CLIENTS):
        count = count_uninvited(viewer)
        if count:
            words = ngettext(
                "%(count)s client has nobody who was invited to the portal.",
                "%(count)s clients have nobody who was invited to the portal.",
                count,
            ) % {"count": count}  # fmt: skip
            url = f"{reverse('desk:clients')}?show=not_invited"
            gaps.append(SetupGap("nobody_invited", words, url, _("See them")))
    return gaps


def _settings_gaps(viewer: StaffViewer) -> list[SetupGap]:
    practice, gaps = viewer.practice, []
    settings, details = reverse("desk:settings"), reverse("desk:settings_practice")
    if not has_processor(practice):
        words = _("No card processor is connected, so clients can't pay online.")
        gaps.append(SetupGap("no_processor", words, reverse("desk:processor_choose"), _("Connect one")))
    elif not practice.payments_allowed:
        words = _("Payments through the client portal are not allowed.")
        gaps.append(SetupGap("not_allowed", words, settings, _("Go to the switch")))
    if not CatalogItem.objects.filter(practice=practice, is_active=True).exists():
        words = _("The catalogue is empty: without it no service can be recorded.")
        gaps.append(SetupGap("no_catalog", words, reverse("desk:catalog"), _("Add a service")))
    clinicians = list(Clinician.objects.filter(practice=practice, is_active=True).order_by("name"))
    if not clinicians:
        words = _("No clinician is on file.")
        gaps.append(SetupGap("no_clinician", words, reverse("desk:clinicians"), _("Add one")))
    nameless = [clinician for clinician in clinicians if not clinician.npi]
    if nameless:
        words = _("No NPI on file for %(names)s. Insurers refuse superbills without it.") % {
            "names": ", ".join(clinician.name for clinician in nameless)
        }
        url = reverse("desk:clinician_edit", args=[nameless[0].id])
        gaps.append(SetupGap("no_npi", words, url, _("Add it")))
    if not practice.tax_id or not practice.street:
        words = _("The practice's address or tax number is missing on documents.")
        gaps.append(SetupGap("no_details", words, details, _("Fill it in")))
    return gaps
