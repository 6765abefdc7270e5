"""Good Faith Estimates: what care is expected to cost (45 CFR 149.610), their deadlines, and what is billed above.

Everybody who pays without an insurer's claim is owed one: nearly every client of a practice that gives superbills.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from paywell.care.models import Diagnosis, Service
from paywell.clients.models import Client
from paywell.core import clock
from paywell.core.business_days import add_business_days, count_business_days
from paywell.core.errors import UserError
from paywell.core.money import Money, format_money
from paywell.documents.actions import Draft, issue_document
from paywell.documents.models import IssuedClient, IssuedDocument
from paywell.documents.parts import address_lines, letterhead, setting
from paywell.documents.superbills import LETTERS, describe_clinician
from paywell.documents.text import clean
from paywell.documents.types import EstimateDocument, EstimateItem, Kind, SuperbillDiagnosis
from paywell.invoicing.models import InvoiceLine
from paywell.practice.models import Clinician, Practice

#: From this much above the estimate on, a client may dispute the bill (45 CFR 149.620), in minor units of USD.
DISPUTE_FROM_MINOR: Final = 40_000
MOST_TIMES: Final = 400
#: F10 to F19 of ICD-10-CM.
_SUBSTANCE_USE: Final = re.compile(r"F1[0-9]")


@dataclass(frozen=True, slots=True)
class Expected:
    """One kind of service that is expected."""

    wording: str
    code: str
    fee: Money  #: of one
    count: int
    clinician: Clinician
    is_separate: bool = False


def get_deadline(
    *, asked_on: date, first_on: date | None, is_request: bool, is_change: bool = False
) -> date | None:
    """By when the client must have the estimate; None where the law sets no day (less than three days ahead).

    On request (any question about cost is one), or with no day set: three business days. Scheduled ten or more
    business days ahead: three business days after scheduling; three to nine ahead: one business day after. One that
    replaces another since the scope has changed: also at least one business day before the service.
    """
    due = _get_first_deadline(asked_on, first_on, is_request)
    if not is_change or first_on is None or first_on <= asked_on:
        return due
    before = max(asked_on, add_business_days(first_on, -1))
    return min(due, before) if due else before


def _get_first_deadline(asked_on: date, first_on: date | None, is_request: bool) -> date | None:
    if is_request or first_on is None:
        return add_business_days(asked_on, 3)
    ahead = count_business_days(asked_on, first_on)
    if ahead >= 10:
        return add_business_days(asked_on, 3)
    return add_business_days(asked_on, 1) if ahead >= 3 else None


def get_last_day(first: date) -> date:
    """The last day that an estimate from `first` on may speak of: one covers at most twelve months."""
    try:
        anniversary = first.replace(year=first.year + 1)
    except ValueError:
        anniversary = date(first.year + 1, 3, 1)
    return date.fromordinal(anniversary.toordinal() - 1)


def issue_estimate(
    *,
    practice: Practice,
    client: Client,
    expected: Sequence[Expected],
    period_from: date,
    period_to: date,
    frequency: str,
    asked_on: date,
    is_request: bool,
    actor_id: UUID | None,
    first_on: date | None = None,
    diagnoses: Sequence[Diagnosis] = (),
    corrects: IssuedDocument | None = None,
) -> IssuedDocument:
    """Issue the estimate; with `corrects`, a new one for a changed scope, which replaces it.

    Raises UserError: `nothing_expected`, `range_invalid`, `above_twelve_months`, `frequency_missing`,
    `count_invalid`, `fee_invalid`, `asked_ahead`, `client_incomplete`.
    """
    today = clock.business_date(clock.now(), practice.timezone)
    _refuse(client, expected, period_from, period_to, frequency, asked_on, today)
    clinicians = list({each.clinician.id: each.clinician for each in expected}.values())
    items = tuple(
        EstimateItem(
            wording=clean(each.wording),
            code=clean(each.code),
            count=each.count,
            fee_minor=each.fee.minor,
            amount_minor=each.fee.minor * each.count,
            clinician=[clinician.id for clinician in clinicians].index(each.clinician.id),
            is_separate=each.is_separate,
        )
        for each in expected
    )
    document = EstimateDocument(
        letterhead=letterhead(practice),
        setting=setting(practice, practice.currency),
        number="",
        issued_on=today,
        addressee=(clean(client.legal_name), *address_lines(client.mail_address)),
        client=clean(client.legal_name),
        birth_date=client.birth_date,
        primary=items[0].wording,
        first_on=first_on,
        period_from=period_from,
        period_to=period_to,
        frequency=clean(frequency, 120),
        diagnoses=tuple(
            SuperbillDiagnosis(letter, clean(dx.code), _meaning(practice, dx))
            for letter, dx in zip(LETTERS, diagnoses, strict=False)
        ),
        clinicians=tuple(describe_clinician(clinician) for clinician in clinicians),
        place=address_lines(practice),
        tax_id=clean(practice.tax_id),
        tax_id_kind=practice.tax_id_kind,
        group_npi=practice.npi,
        items=items,
        total_minor=sum(item.amount_minor for item in items),
        asked_on=asked_on,
        due_on=get_deadline(
            asked_on=asked_on, first_on=first_on, is_request=is_request, is_change=corrects is not None
        ),
    )
    draft = Draft(
        document,
        client.default_account,
        {client.id},
        has_diagnosis=bool(diagnoses),
        period=(period_from, period_to),
    )
    return issue_document(practice=practice, draft=draft, actor_id=actor_id, corrects=corrects)


def _meaning(practice: Practice, diagnosis: Diagnosis) -> str:
    """What a diagnosis means. A substance use disorder program says it of such disorders on superbills alone: an
    estimate needs the code, and 42 CFR Part 2 lets go of no more than is needed."""
    if practice.is_part2_program and _SUBSTANCE_USE.match(diagnosis.code):
        return ""
    return clean(diagnosis.description)


def get_current_estimates(practice: Practice, client_ids: Iterable[UUID]) -> list[IssuedDocument]:
    """Those that no other replaces, oldest first."""
    rows = IssuedDocument.objects.filter(
        practice=practice, kind=Kind.ESTIMATE.value, of_clients__client__in=set(client_ids)
    ).exclude(id__in=IssuedDocument.objects.filter(practice=practice, corrects__isnull=False).values("corrects"))
    return list(rows.order_by("number"))


def warn_above_estimates(practice: Practice, services: Sequence[Service]) -> list[str]:
    """Words for each estimate that invoicing `services` would leave behind by 400 dollars or more.

    What counts is all that was and would be billed for the client in the estimate's months. Three queries, however
    many services and estimates there are.
    """
    warnings = []
    by_client: dict[UUID, list[Service]] = {}
    for service in services:
        by_client.setdefault(service.client_id, []).append(service)
    estimates = get_current_estimates(practice, by_client)
    client_of = dict(
        IssuedClient.objects.filter(practice=practice, document__in=[row.id for row in estimates]).values_list(
            "document_id", "client_id"
        )
    )
    billed_on = _get_billed(practice, set(client_of.values()))
    for row in estimates:
        client_id = client_of[row.id]
        first, last = row.period_from or date.max, row.period_to or date.min
        new = [each for each in by_client.get(client_id, []) if first <= each.on <= last]
        if not new:
            continue
        estimated = row.data["total_minor"]
        billed = sum(minor for on, minor in billed_on.get(client_id, ()) if first <= on <= last)
        billed += sum(each.client_minor for each in new)
        if billed >= estimated + DISPUTE_FROM_MINOR:
            currency = new[0].currency
            total, expected = format_money(Money(billed, currency)), format_money(Money(estimated, currency))
            warnings.append(
                f"With this, {total} is billed to {new[0].client.name} in the months of {row.label}, which "
                f"expected {expected}. From $400 above it the client may dispute the bill. If the scope has "
                "changed, give a new estimate first."
            )
    return warnings


def _get_billed(practice: Practice, client_ids: Collection[UUID]) -> dict[UUID, list[tuple[date, int]]]:
    """What is billed for each of the clients: day of service and minor units of each line that stands."""
    lines = InvoiceLine.objects.filter(practice=practice, client__in=client_ids, voided_at=None)
    billed: dict[UUID, list[tuple[date, int]]] = {}
    for client_id, on, minor in lines.values_list("client_id", "on", "amount_minor"):
        billed.setdefault(client_id, []).append((on, minor))
    return billed


def _refuse(
    client: Client,
    expected: Sequence[Expected],
    period_from: date,
    period_to: date,
    frequency: str,
    asked_on: date,
    today: date,
) -> None:
    if not expected:
        raise UserError("Choose at least one service.", code="nothing_expected")
    if not (client.legal_first_name and client.legal_last_name and client.birth_date):
        raise UserError(
            "The client's legal name and date of birth must stand on an estimate. Complete the record first.",
            code="client_incomplete",
        )
    if period_to < period_from:
        raise UserError("The time ends before it begins.", code="range_invalid", field="period_to")
    if period_to > get_last_day(period_from):
        raise UserError(
            "One estimate covers at most twelve months. Give a new one for the time after.",
            code="above_twelve_months",
            field="period_to",
        )
    if not frequency.strip():
        raise UserError("Say how often, like once a week.", code="frequency_missing", field="frequency")
    if any(not 1 <= each.count <= MOST_TIMES for each in expected):
        raise UserError("Say how many times: a whole number from 1 to 400.", code="count_invalid")
    if any(each.fee.minor <= 0 for each in expected):
        raise UserError("Each service has a fee.", code="fee_invalid")
    if asked_on > today:
        raise UserError("That day is in the future.", code="asked_ahead", field="asked_on")
