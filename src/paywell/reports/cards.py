"""Saved cards that expire soon, or did."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from uuid import UUID

from babel.dates import format_date
from django.db.models import F, IntegerField, QuerySet
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from paywell.accounts.types import StaffViewer
from paywell.agreements.models import Agreement
from paywell.clients.access import clients_of
from paywell.clients.models import Grant
from paywell.payments.models import SavedCard
from paywell.reports.movements import is_narrowed
from paywell.reports.types import Column, Period, Report, Row, make_chart

#: How far ahead the report looks unless asked otherwise.
EXPIRY_DAYS = 60


def report_cards(viewer: StaffViewer, period: Period) -> Report:
    """Cards that payers keep and whose last day lies in the period, the first to expire first. Three queries."""
    found = _read(viewer, period).select_related("contact")
    cards = [card for card in found if period.first <= _get_last_day(card) <= period.last]
    used = set(Agreement.objects.filter(practice=viewer.practice, ended_at=None).values_list("card_id", flat=True))
    grants = Grant.objects.filter(
        practice=viewer.practice, client__in=clients_of(viewer), withdrawn_at=None, may_pay=True
    ).select_related("client")
    paid_for: dict[UUID, dict[UUID, str]] = {}
    for grant in grants.filter(contact__in=_read(viewer, period).values("contact_id")).order_by("client_id"):
        paid_for.setdefault(grant.contact_id, {})[grant.client_id] = grant.client.name
    rows = []
    for card in sorted(cards, key=lambda card: (_get_last_day(card), card.contact.name, card.id)):
        clients = paid_for.get(card.contact_id, {})
        rows.append(
            Row(
                (
                    card.contact.name, ", ".join(clients.values()), f"{card.brand.title()} {card.last4}",
                    _get_last_day(card), _("Yes") if card.id in used else _("No"),
                ),
                next(iter(clients), None),
            )
        )  # fmt: skip
    months = Counter(_get_last_day(card) for card in cards)
    figures = [(str(format_date(day, "MMM y", locale="en_US")), months[day]) for day in sorted(months)]
    return Report(
        columns=(
            Column(_("Payer")), Column(_("Pays for")), Column(_("Card")), Column(_("Last day")),
            Column(_("Charged by agreement")),
        ),
        rows=tuple(rows),
        total=None,
        charts=(make_chart(_("By month"), (_("Month"), _("Cards")), figures),),
    )  # fmt: skip


def _read(viewer: StaffViewer, period: Period) -> QuerySet[SavedCard]:
    """Cards that expire in the period's months. A payer with access to an own client is enough for a clinician."""
    month = Cast(F("exp_year"), IntegerField()) * 12 + F("exp_month")
    span = (period.first.year * 12 + period.first.month, period.last.year * 12 + period.last.month)
    rows = SavedCard.objects.filter(practice=viewer.practice, removed_at=None, exp_year__isnull=False)
    rows = rows.filter(exp_month__range=(1, 12)).annotate(month=month).filter(month__range=span)
    if is_narrowed(viewer):
        rows = rows.filter(contact__in=Grant.objects.filter(client__in=clients_of(viewer)).values("contact_id"))
    return rows


def _get_last_day(card: SavedCard) -> date:
    """A card is good until the end of the month that is printed on it."""
    year, month = card.exp_year or 0, card.exp_month or 1
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
