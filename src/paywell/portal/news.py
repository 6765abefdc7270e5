"""What the home page tells of besides money: what e-mails announced with "sign in to see".

A charge of tomorrow, a plan that is offered, an answer to a question. All in one query that is compiled once: the
home page is the one that everybody opens.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import DateField, Exists, F, OuterRef, QuerySet, Value
from django.db.models.functions import Cast

from paywell.agreements.models import Charge, ChargeState, Plan, PlanLine
from paywell.billing.models import Question
from paywell.clients.types import PortalViewer
from paywell.core import clock
from paywell.core.money import Money
from paywell.core.prepared import Prepared

#: So long an answer stands on the home page; it stays under the line's own page for ever.
ANSWER_SHOWN: Final = timedelta(days=14)
_COLUMNS: Final = ("kind", "about", "day", "minor")


@dataclass(frozen=True, slots=True)
class News:
    kind: str  #: "charge", "plan" or "answer"
    about: UUID  #: the charge, the plan, or the line that was asked about
    day: date | None  #: of the charge, or of the service; a plan has none
    amount: Money


def list_news(viewer: PortalViewer) -> list[News]:
    """What waits for this person on the open account: answers, then charges by their day, then offers. One query.

    Charges and answers are the person's own; a charge on hold is none. A plan is offered to whoever acts for every
    client in it, as under AutoPay.
    """
    rows = _NEWS(
        practice=viewer.practice.id,
        account=viewer.account.id,
        contact=viewer.contact.id,
        clients=viewer.client_ids,
        since=clock.now() - ANSWER_SHOWN,
    )
    news = [News(kind, about, day, Money(minor, viewer.account.currency)) for kind, about, day, minor in rows]
    return sorted(news, key=lambda each: (each.kind, each.day or date.max, each.about))


def _select(
    practice: UUID, account: UUID, contact: UUID, clients: Collection[UUID], since: datetime
) -> QuerySet[Any, Any]:
    charges = Charge.objects.filter(
        practice_id=practice, agreement__account_id=account, agreement__contact_id=contact,
        agreement__held_at=None, state=ChargeState.PLANNED,
    ).annotate(kind=Value("charge"), about=F("id"), day=F("due_on"), minor=F("amount_minor"))  # fmt: skip
    beyond = PlanLine.objects.filter(practice_id=practice, plan=OuterRef("pk")).exclude(line__client_id__in=clients)
    plans = (
        Plan.objects.filter(practice_id=practice, account_id=account, agreement=None, withdrawn_at=None)
        .exclude(Exists(beyond))
        .annotate(kind=Value("plan"), about=F("id"), day=Cast(Value(None), DateField()), minor=F("total_minor"))
    )
    answers = Question.objects.filter(
        practice_id=practice, contact_id=contact, line__account_id=account, line__practice_id=practice,
        line__client_id__in=clients, answered_at__gte=since,
    ).annotate(
        kind=Value("answer"), about=F("line_id"), day=F("line__on"), minor=F("line__amount_minor")
    )  # fmt: skip
    first, *others = (rows.order_by().values_list(*_COLUMNS) for rows in (charges, plans, answers))
    return first.union(*others)


_NEWS = Prepared(_select)
