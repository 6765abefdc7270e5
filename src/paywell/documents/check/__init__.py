"""The check before a superbill is issued: what an insurer would say no to, before the client hears it from them.

It blocks what is certainly wrong and warns where it may be right, in words for a biller. The rules come from the
fields of the CMS-1500 (02/12), the code sets' dates, and the reasons for which claims fail; reasons are named by
number alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from paywell.care.models import Service
from paywell.clients.coverage import get_coverages
from paywell.clients.models import Coverage
from paywell.codes.places import check_place
from paywell.codes.queries import check_codes
from paywell.codes.types import Level as CodeLevel
from paywell.codes.types import Verdict
from paywell.core import clock
from paywell.documents.check.letters import check_letters
from paywell.documents.check.lines import check_lines
from paywell.documents.check.record import (
    check_client,
    check_clinicians,
    check_coverage,
    check_practice,
)
from paywell.documents.check.types import Case, Level, Problem
from paywell.documents.models import IssuedDocument
from paywell.documents.paid import get_payments_of
from paywell.documents.superbills import valid_diagnoses
from paywell.documents.types import Kind
from paywell.practice.models import Practice

__all__ = ["Case", "Level", "Problem", "apply_rules", "check_superbill"]

_RULES = (check_client, check_coverage, check_clinicians, check_practice, check_lines, check_letters)
_ORDER = (Level.BLOCK, Level.REASON, Level.WARN)


def check_superbill(practice: Practice, services: Sequence[Service]) -> list[Problem]:
    """Everything that is to be said of a superbill of these services (fetched by `superbills.get_services`), the
    worst first. An empty list: nothing."""
    if not services:
        return []
    return apply_rules(_collect(practice, sorted(services, key=lambda service: (service.on, service.id))))


def apply_rules(case: Case) -> list[Problem]:
    """The rules alone. The same words about the same day stand once."""
    found = dict.fromkeys(problem for rule in _RULES for problem in rule(case))
    return sorted(found, key=lambda problem: (_ORDER.index(problem.level), problem.on or date.min))


def _collect(practice: Practice, services: Sequence[Service]) -> Case:
    client = services[0].client
    valid = {service.id: tuple(dx.code for dx in valid_diagnoses(service)) for service in services}
    first, last = services[0].on, services[-1].on
    return Case(
        practice=practice,
        client=client,
        services=services,
        coverages=get_coverages(client, first, last),
        ended=list(Coverage.objects.filter(practice=practice, client=client, ends_on__lt=first)),
        today=clock.business_date(clock.now(), practice.timezone),
        paid=get_payments_of(practice, services).of_service,
        issued=_issued(practice, services),
        valid=valid,
        code_words=_code_words(services, valid),
        place_words={
            (service.place_of_service, service.on): said
            for service in services
            if service.place_of_service
            and (said := _said(check_place(service.place_of_service, service.on))) is not None
        },
    )


def _code_words(
    services: Sequence[Service], valid: dict[UUID, tuple[str, ...]]
) -> dict[tuple[str, date], tuple[Level, str]]:
    """What the installed releases say of each diagnosis on each day of service."""
    words: dict[tuple[str, date], tuple[Level, str]] = {}
    for on in sorted({service.on for service in services}):
        codes = {code for service in services if service.on == on for code in valid[service.id]}
        for code, verdict in check_codes(sorted(codes), on).items():
            said = _said(verdict)
            if said:
                words[code, on] = said
    return words


def _said(verdict: Verdict) -> tuple[Level, str] | None:
    if verdict.level is CodeLevel.OK:
        return None
    if verdict.level is CodeLevel.WARN:
        return Level.WARN, verdict.words
    return (Level.REASON if verdict.may_be_overridden else Level.BLOCK), verdict.words


def _issued(practice: Practice, services: Sequence[Service]) -> dict[UUID, str]:
    """The newest superbill, not replaced, that has the service among others than these.

    Asking for the same services again gives the same superbill, or one that replaces it: that is no duplicate.
    """
    wanted = {str(service.id) for service in services}
    rows = IssuedDocument.objects.filter(
        practice=practice,
        kind=Kind.SUPERBILL.value,
        of_clients__client=services[0].client_id,
        period_from__lte=services[-1].on,
        period_to__gte=services[0].on,
    ).exclude(id__in=IssuedDocument.objects.filter(practice=practice, corrects__isnull=False).values("corrects"))
    found: dict[UUID, str] = {}
    for row in rows.order_by("number"):
        own = {item["service_id"] for item in row.data["items"]}
        if own != wanted:
            found |= {UUID(service_id): row.label for service_id in own & wanted}
    return found
