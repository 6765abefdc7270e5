"""A payer agrees, holds, lets go on and ends; staff hold and end. The one place that writes agreements."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import IntegrityError

from paywell.accounts.types import Permission, StaffViewer
from paywell.agreements import errors
from paywell.agreements.models import Agreement, AgreementKind, Charge, ChargeState, Plan
from paywell.agreements.wording import CURRENT
from paywell.audit.actions import record
from paywell.clients.models import BillingAccount
from paywell.clients.types import PortalViewer
from paywell.core import clock
from paywell.core.db import lock, phase
from paywell.core.errors import NotAllowed, NotFoundForViewer
from paywell.core.money import MAX_MINOR, Money
from paywell.payments.cards import list_usable_cards
from paywell.payments.models import SavedCard
from paywell.payments.processor_accounts import get_active


def make_agreement(
    *,
    viewer: PortalViewer,
    kind: AgreementKind,
    card_id: UUID | None,
    charge_limit: Money,
    month_limit: Money | None = None,
    includes_old: bool = False,
    is_agreed: bool,
) -> Agreement:
    """The payer says yes to the words that are shown now. An earlier agreement of the kind ends with it.

    Raises UserError `not_agreed`, `card_missing` (not theirs, expired, at another processor), `limit_invalid`,
    `no_right`.
    """
    if kind is AgreementKind.PLAN:
        raise ValueError("A plan is agreed to as it was offered.")
    card = _check(viewer, card_id, is_agreed=is_agreed)
    for limit in (charge_limit, month_limit):
        if limit is not None and not 0 < limit.minor <= MAX_MINOR:
            raise errors.limit_invalid()
    if month_limit is not None and month_limit < charge_limit:
        raise errors.month_below_charge()
    with phase():
        lock(BillingAccount.objects.filter(practice=viewer.practice, pk=viewer.account.pk)).get()
        before = Agreement.objects.filter(
            practice=viewer.practice, account=viewer.account, contact=viewer.contact, kind=kind, ended_at=None
        )
        for earlier in before:
            _end(earlier, viewer.id, is_replaced=True)
        try:
            return _create(
                viewer,
                kind,
                card,
                charge_limit.minor,
                month_limit_minor=month_limit.minor if month_limit else None,
                includes_old=includes_old and kind is AgreementKind.AUTOPAY,
            )
        except IntegrityError:
            raise errors.busy() from None


def accept_plan(*, viewer: PortalViewer, plan: Plan, card_id: UUID | None, is_agreed: bool) -> Agreement:
    """The payer agrees to a plan as it was offered. Agreeing twice is one agreement.

    Raises UserError as `make_agreement`, and `plan_over` for one that was withdrawn.
    """
    if plan.account_id != viewer.account.id:
        raise NotFoundForViewer
    card = _check(viewer, card_id, is_agreed=is_agreed)
    with phase():
        lock(BillingAccount.objects.filter(practice=viewer.practice, pk=viewer.account.pk)).get()
        row = lock(Plan.objects.filter(practice=viewer.practice, pk=plan.pk)).get()
        if row.agreement_id is not None:
            return Agreement.objects.get(pk=row.agreement_id)
        if row.withdrawn_at is not None:
            raise errors.plan_over()
        most = max(row.installments.values_list("amount_minor", flat=True))
        agreement = _create(viewer, AgreementKind.PLAN, card, most)
        row.agreement = agreement
        row.save(update_fields=["agreement"])
    return agreement


def hold_agreement(*, viewer: PortalViewer | StaffViewer, agreement: Agreement, is_held: bool) -> Agreement:
    """Charge nothing while it is held; let go on afterwards. Only the payer lets go on what the payer held."""
    with phase():
        row = _get(viewer, agreement)
        if row.ended_at is not None:
            raise errors.over()
        if not is_held and isinstance(viewer, StaffViewer) and row.held_by_id == row.user_id:
            raise errors.held_by_payer()
        row.held_at, row.held_by_id = (clock.now(), viewer.id) if is_held else (None, None)
        row.stopped_at = row.held_at if viewer.id == row.user_id else None
        row.save(update_fields=["held_at", "held_by", "stopped_at"])
        _tell(row, viewer.id, "agreements.hold" if is_held else "agreements.go_on")
    return row


def end_agreement(*, viewer: PortalViewer | StaffViewer, agreement: Agreement) -> Agreement:
    """No charge from now on. What was planned is skipped; a try that is under way comes to its end."""
    with phase():
        row = _get(viewer, agreement)
        if row.ended_at is None:
            _end(row, viewer.id)
    return row


def _check(viewer: PortalViewer, card_id: UUID | None, *, is_agreed: bool) -> SavedCard:
    if not viewer.payable_client_ids:
        raise errors.no_right()
    if not is_agreed:
        raise errors.not_agreed()
    active = get_active(viewer.practice.id)
    cards = list_usable_cards(viewer, active.id) if active else []
    usable = {card.id for card in cards if not card.is_expired}
    if card_id not in usable:
        raise errors.card_missing()
    return SavedCard.objects.get(practice=viewer.practice, contact=viewer.contact, pk=card_id, removed_at=None)


def _create(viewer: PortalViewer, kind: AgreementKind, card: SavedCard, limit_minor: int, **more: Any) -> Agreement:
    agreement = Agreement.objects.create(
        practice=viewer.practice,
        kind=kind,
        account=viewer.account,
        contact=viewer.contact,
        user_id=viewer.id,
        card=card,
        wording_version=CURRENT[kind],
        agreed_at=clock.now(),
        currency=viewer.account.currency,
        charge_limit_minor=limit_minor,
        **more,
    )
    _tell(agreement, viewer.id, "agreements.agree")
    return agreement


def _get(viewer: PortalViewer | StaffViewer, agreement: Agreement) -> Agreement:
    """The row, held. The account first, as a charge does: the other way round the two would wait for each other."""
    lock(BillingAccount.objects.filter(practice=viewer.practice, pk=agreement.account_id)).first()
    rows = lock(Agreement.objects.filter(practice=viewer.practice, pk=agreement.pk))
    if isinstance(viewer, StaffViewer):
        if not viewer.may(Permission.TAKE_PAYMENTS):
            raise NotAllowed
    else:
        rows = rows.filter(account=viewer.account, contact=viewer.contact)
    row = rows.first()
    if row is None:
        raise NotFoundForViewer
    return row


def _end(row: Agreement, user_id: UUID, *, is_replaced: bool = False) -> None:
    """Staff are to hear of what the payer ended, but not where they agreed to the same anew."""
    row.ended_at, row.ended_by_id = clock.now(), user_id
    row.stopped_at = row.ended_at if user_id == row.user_id and not is_replaced else None
    row.save(update_fields=["ended_at", "ended_by", "stopped_at"])
    planned = Charge.objects.filter(practice_id=row.practice_id, agreement=row, state=ChargeState.PLANNED)
    planned.update(state=ChargeState.SKIPPED, words="The agreement was ended.", closed_at=clock.now())
    _tell(row, user_id, "agreements.end")


def _tell(row: Agreement, user_id: UUID, action: str) -> None:
    record(
        practice_id=row.practice_id, actor_id=user_id, action=action, target_kind="agreement", target_id=row.id,
        detail={"kind": row.kind},
    )  # fmt: skip
