"""Saved cards that expire soon, or did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from babel.dates import format_date
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from paywell.accounts.types import StaffViewer
from paywell.agreements.models import Agreement
from paywell.clients.access import clients_of
from paywell.clients.models import Grant
from paywell.core.db import apart
from paywell.payments.card_names import name_card
from paywell.payments.models import SavedCard
from paywell.reports.movements import is_narrowed
from paywell.reports.types import Column, Period, Report, Row, Rows, make_chart

#: How far ahead the report looks unless asked otherwise.
EXPIRY_DAYS = 60


def report_cards(viewer: StaffViewer, period: Period) -> Report:
    """Cards that payers keep and whose last day lies in the period, the first to expire first. Four queries.

    They are counted by month off an index; the rows of a page alone are read.
    """
    cards = _read(viewer, period)
    months = (
        cards.order_by("exp_year", "exp_month").values_list("exp_year", "exp_month").annotate(count=Count("id"))
    )
    figures = [
        (str(format_date(_get_last_day(year, month), "MMM y", locale="en_US")), count)
        for year, month, count in months
    ]
    count = sum(count for _month, count in figures)
    return Report(
        columns=(
            Column(_("Payer")), Column(_("Pays for")), Column(_("Card")), Column(_("Last day")),
            Column(_("Charged by agreement")),
        ),
        rows=Rows(range(count), lambda some: _make_rows(viewer, cards, some)),
        total=None,
        charts=(make_chart(_("By month"), (_("Month"), _("Cards")), figures),),
    )  # fmt: skip


def _make_rows(viewer: StaffViewer, cards: QuerySet[SavedCard], some: Sequence[int]) -> list[Row]:
    """The rows of the cards at these places. Three queries, two of which look only under keys of the page.

    A list of all clients that the viewer may see would be made in full to find those of 25 payers: who sees the
    whole practice is held to it on the rows that are found.
    """
    if not some:
        return []
    in_order = cards.select_related("contact").order_by("exp_year", "exp_month", "contact__name", "id")
    page = list(in_order[some[0] : some[-1] + 1])
    agreements = Agreement.objects.alias(of=apart("practice_id"))
    agreements = agreements.filter(of=viewer.practice.id, card__in=[card.id for card in page], ended_at=None)
    used = set(agreements.values_list("card_id", flat=True))
    grants = Grant.objects.alias(of=apart("client__practice_id")).filter(
        practice=viewer.practice, of=viewer.practice.id, withdrawn_at=None, may_pay=True,
        contact__in={card.contact_id for card in page},
    )  # fmt: skip
    if is_narrowed(viewer):
        grants = grants.filter(client__in=clients_of(viewer))
    paid_for: dict[UUID, dict[UUID, str]] = {}
    for grant in grants.select_related("client").order_by("client_id"):
        paid_for.setdefault(grant.contact_id, {})[grant.client_id] = grant.client.name
    rows = []
    for card in page:
        clients = paid_for.get(card.contact_id, {})
        rows.append(
            Row(
                (
                    card.contact.name, ", ".join(clients.values()), name_card(card.brand, card.last4),
                    _get_last_day(card.exp_year, card.exp_month), _("Yes") if card.id in used else _("No"),
                ),
                next(iter(clients), None),
            )
        )  # fmt: skip
    return rows


def _read(viewer: StaffViewer, period: Period) -> QuerySet[SavedCard]:
    """Cards whose last day lies in the period. A payer with access to an own client is enough for a clinician."""
    first = period.first
    # The month whose last day comes after the period does not count.
    last = (period.last + timedelta(days=1)).replace(day=1) - timedelta(days=1)
    until, since = (
        Q(exp_year=last.year, exp_month__lte=last.month),
        Q(exp_year=first.year, exp_month__gte=first.month),
    )
    if last < first:
        return SavedCard.objects.none()
    between = Q(exp_year__gt=first.year, exp_year__lt=last.year)
    span = since & until if first.year == last.year else since | between | until
    rows = SavedCard.objects.filter(span, practice=viewer.practice, removed_at=None, exp_month__range=(1, 12))
    if is_narrowed(viewer):
        rows = rows.filter(contact__in=Grant.objects.filter(client__in=clients_of(viewer)).values("contact_id"))
    return rows


def _get_last_day(year: int | None, month: int | None) -> date:
    """A card is good until the end of the month that is printed on it."""
    year, month = year or 0, month or 1
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
