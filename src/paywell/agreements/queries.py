"""Reads of agreements, plans and charges, scoped to the viewer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import OuterRef, Prefetch, QuerySet, Subquery, UUIDField
from django.db.models.functions import Coalesce

from paywell.accounts.models import Role
from paywell.accounts.types import Permission, StaffViewer
from paywell.agreements.chargeable import (
    find_given_up,
    find_open_lines_of,
    find_payers,
    find_planned_off_by,
    get_months_left,
)
from paywell.agreements.models import Agreement, AgreementKind, Charge, ChargeLine, ChargeState, Plan
from paywell.clients.models import BillingAccount, Client
from paywell.clients.types import PortalViewer
from paywell.core.errors import NotFoundForViewer
from paywell.core.money import Money
from paywell.core.security_log import access_refused

Viewer = PortalViewer | StaffViewer


@dataclass(frozen=True, slots=True)
class Chargeable:
    """An agreement for staff to charge by: what could be taken now, or why nothing can."""

    agreement: Agreement
    most: Money  #: what is owed and free, at most what the limits leave
    owed: Money
    why_not: str


def list_agreements(viewer: Viewer, account_id: UUID) -> QuerySet[Agreement]:
    """Those of one account, the living first: in the portal the viewer's own, at the desk everybody's."""
    rows = Agreement.objects.filter(practice=viewer.practice, account_id=account_id)
    if isinstance(viewer, PortalViewer):
        rows = rows.filter(account=viewer.account, contact=viewer.contact)
    rows = rows.select_related("practice", "account", "contact", "user", "card", "held_by", "ended_by")
    return rows.order_by("ended_at", "-agreed_at", "-id")


def list_plans(viewer: Viewer, account_id: UUID) -> QuerySet[Plan]:
    """Plans of one account that were not withdrawn, newest first; in the portal, offers and the viewer's own."""
    rows = Plan.objects.filter(practice=viewer.practice, account_id=account_id, withdrawn_at=None)
    if isinstance(viewer, PortalViewer):
        rows = rows.filter(account=viewer.account).exclude(
            id__in=Plan.objects.filter(agreement__isnull=False)
            .exclude(agreement__contact=viewer.contact)
            .values("id")
        )
        beyond = rows.exclude(lines__line__client_id__in=viewer.client_ids)
        rows = rows.exclude(id__in=beyond.values("id"))
    return rows.select_related("agreement__card", "offered_by").prefetch_related(
        "installments__charge", "lines__line"
    ).order_by("-offered_at")  # fmt: skip


def list_charges(viewer: Viewer, account_id: UUID, count: int = 20) -> list[Charge]:
    """The latest charges of one account with the lines that they were announced for. Two queries."""
    rows = Charge.objects.filter(practice=viewer.practice, agreement__account_id=account_id)
    if isinstance(viewer, PortalViewer):
        rows = rows.filter(agreement__account=viewer.account, agreement__contact=viewer.contact)
    lines = Prefetch("lines", ChargeLine.objects.select_related("line").order_by("line__on", "line_id"))
    rows = rows.select_related("agreement__card").prefetch_related(lines)
    return list(rows.order_by("-due_on", "-created_at")[:count])


def find_obstacles(agreements: Iterable[Agreement]) -> dict[UUID, str]:
    """Why nothing is charged by those that stand and are not on hold, in words, by id."""
    standing = [row for row in agreements if row.ended_at is None and row.held_at is None]
    return {one: payer.why_not for one, payer in find_payers(standing).items() if payer.why_not}


def find_agreed_cards(viewer: PortalViewer) -> set[UUID]:
    """The viewer's own cards that the practice may charge, on whatever account. One query."""
    rows = Agreement.objects.filter(practice=viewer.practice, contact=viewer.contact, ended_at=None)
    return set(rows.values_list("card_id", flat=True))


def list_failed_charges(viewer: StaffViewer) -> QuerySet[Charge]:
    """Charges by rule that did not come through and of which nobody took note yet.

    Each with the `client_id` of whom it is about: the one whose services were announced, else one of the account's.
    """
    announced = ChargeLine.objects.filter(practice=viewer.practice, charge=OuterRef("pk"))
    of_account = Client.objects.filter(practice=viewer.practice, default_account=OuterRef("agreement__account"))
    rows = Charge.objects.filter(
        practice=viewer.practice, seen_at=None, state__in=[ChargeState.FAILED, ChargeState.SKIPPED],
        agreement__kind__in=[AgreementKind.AUTOPAY, AgreementKind.PLAN], agreement__ended_at=None,
    )  # fmt: skip
    rows = rows.annotate(
        client_id=Coalesce(
            Subquery(announced.order_by("id").values("line__client_id")[:1]),
            Subquery(of_account.order_by("created_at").values("id")[:1]),
            output_field=UUIDField(),
        )
    )
    return rows.select_related("agreement__account", "agreement__contact").order_by("closed_at", "id")


def list_stopped(viewer: StaffViewer) -> QuerySet[Agreement]:
    """What payers held or ended by themselves and of which nobody at the desk took note yet, oldest first.

    Each with the `client_id` of one of the account's clients, to open what was agreed to.
    """
    of_account = Client.objects.filter(practice=viewer.practice, default_account=OuterRef("account"))
    rows = Agreement.objects.filter(practice=viewer.practice, stopped_at__isnull=False)
    rows = rows.annotate(client_id=Subquery(of_account.order_by("created_at").values("id")[:1]))
    return rows.select_related("account", "contact").order_by("stopped_at", "id")


def find_covered(account: BillingAccount, line_ids: Collection[UUID]) -> set[UUID]:
    """Those of the account's lines that nobody has to pay by hand: a plan pays them off, or AutoPay charges them.

    What can't charge now (held by the payer, the card expired) covers nothing, nor does AutoPay cover what it won't
    charge: more than its limits, or failed for good. Whoever relies on it there has to hear of it. A plan that the
    practice itself holds goes on covering: the practice gave the payer time.
    """
    rows = Agreement.objects.filter(
        practice=account.practice_id, account=account, kind__in=[AgreementKind.AUTOPAY, AgreementKind.PLAN],
        ended_at=None,
    )  # fmt: skip
    agreements = list(rows.select_related("practice", "account", "contact", "user", "card"))
    payers = find_payers(agreements)
    charging = {
        row.id for row in agreements
        if payers[row.id].viewer is not None or (row.held_at is not None and row.held_by_id != row.user_id)
    }  # fmt: skip
    planned = find_planned_off_by(account.practice_id, line_ids)
    covered = {line_id for line_id, agreement_id in planned.items() if agreement_id in charging}
    pairs = [
        (row, viewer)
        for row in agreements
        if row.kind == AgreementKind.AUTOPAY and (viewer := payers[row.id].viewer) is not None
    ]
    given_up = find_given_up([row for row, _viewer in pairs], line_ids) if pairs else set()
    open_lines = find_open_lines_of(pairs)
    covered |= {
        line_id
        for row, _viewer in pairs
        for line_id, minor in open_lines[row.id]
        if minor <= row.charge_limit_minor and (row.id, line_id) not in given_up
    }
    return covered & set(line_ids)


def access_agreement(viewer: Viewer, agreement_id: UUID) -> Agreement:
    """In the portal the viewer's own on the open account; at the desk one of the practice's, for who sees money."""
    rows = Agreement.objects.filter(practice=viewer.practice, id=agreement_id)
    if isinstance(viewer, PortalViewer):
        rows = rows.filter(account=viewer.account, contact=viewer.contact)
    elif not viewer.may(Permission.SEE_MONEY) or viewer.role is Role.CLINICIAN:
        rows = rows.none()
    row = rows.select_related("practice", "account", "contact", "user", "card").first()
    if row is None:
        access_refused(viewer=viewer, kind="agreement", target=agreement_id, reason="not theirs")
        raise NotFoundForViewer
    return row


def access_plan(viewer: Viewer, plan_id: UUID) -> Plan:
    """In the portal an offer of the open account that concerns only clients of the viewer's, or their own plan."""
    rows = Plan.objects.filter(practice=viewer.practice, id=plan_id)
    if isinstance(viewer, PortalViewer):
        rows = rows.filter(id__in=list_plans(viewer, viewer.account.id).values("id"))
    elif not viewer.may(Permission.SEE_MONEY) or viewer.role is Role.CLINICIAN:
        rows = rows.none()
    row = rows.select_related("agreement__card", "account").first()
    if row is None:
        access_refused(viewer=viewer, kind="plan", target=plan_id, reason="not theirs")
        raise NotFoundForViewer
    return row


def access_charge(viewer: StaffViewer, charge_id: UUID) -> Charge:
    """A charge of the practice, for staff who take payments."""
    row = Charge.objects.filter(practice=viewer.practice, id=charge_id).select_related("agreement__account").first()
    if row is None or not viewer.may(Permission.TAKE_PAYMENTS):
        access_refused(viewer=viewer, kind="charge", target=charge_id, reason="not theirs")
        raise NotFoundForViewer
    return row


def get_chargeable(agreement: Agreement) -> Chargeable:
    """What staff could charge by this agreement now."""
    return get_chargeables([agreement])[0]


def get_chargeables(agreements: Sequence[Agreement]) -> list[Chargeable]:
    """`get_chargeable` of each of one practice's agreements, in order. At most seven queries, however many."""
    payers = find_payers(agreements)
    pairs = [(row, viewer) for row in agreements if (viewer := payers[row.id].viewer) is not None]
    lines = find_open_lines_of(pairs)
    left = get_months_left(row for row, _viewer in pairs)
    return [
        _chargeable(row, sum(minor for _line, minor in lines[row.id]), left.get(row.id))
        if row.id in lines
        else Chargeable(row, Money(0, row.currency), Money(0, row.currency), payers[row.id].why_not)
        for row in agreements
    ]


def _chargeable(agreement: Agreement, owed: int, left: Money | None) -> Chargeable:
    limits = [owed, agreement.charge_limit_minor]
    if left is not None:
        limits.append(max(left.minor, 0))
    most = min(limits)
    why_not = ""
    if not owed:
        why_not = "Nothing is owed that can be charged: it is being paid, questioned, or part of a plan."
    elif not most:
        why_not = "The payer's limit for this month is used up."
    return Chargeable(agreement, Money(most, agreement.currency), Money(owed, agreement.currency), why_not)
