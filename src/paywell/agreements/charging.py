"""Charging a card within what its owner agreed to, by the same path as a payment in the portal.

T1      hold the account: what is still owed, the limits; insert the try with its attempt's id, commit
pay     `start_payment` in the payer's name: it has its own phases and guards
T2      write down what came of it; a try without a final answer is looked at again by the job
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.utils.translation import gettext as _

from paywell.accounts.types import Permission, StaffViewer
from paywell.agreements import errors
from paywell.agreements.chargeable import cut_to_owed, find_open_lines, find_payer, get_month_left, spread
from paywell.agreements.models import Agreement, AgreementKind, Charge, ChargeLine, ChargeState, ChargeTry
from paywell.audit.actions import record
from paywell.clients.models import BillingAccount
from paywell.clients.types import PortalViewer
from paywell.core import clock
from paywell.core.clock import business_date
from paywell.core.db import lock, phase
from paywell.core.errors import NotAllowed, NotFoundForViewer, UserError
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.outbox.actions import emit
from paywell.payments import machine
from paywell.payments.actions import start_payment
from paywell.payments.models import Attempt, AttemptState, Channel
from paywell.payments.payer import OnBehalf
from paywell.payments.returning import fence
from paywell.payments.types import PayForm
from paywell.processors.contract import Decline

#: An automatic charge that was declined is tried again after these pauses, and then no more.
RETRY_AFTER: Final = (timedelta(days=3), timedelta(days=4))
#: Only after these: for every other reason the card itself has to change first.
_MAY_PASS_LATER: Final = frozenset({Decline.GENERIC, Decline.INSUFFICIENT_FUNDS, Decline.TRY_AGAIN_LATER})


def charge_saved_card(
    *, viewer: StaffViewer, agreement: Agreement, amount: Money, key: str, line_ids: Collection[UUID] = ()
) -> Charge:
    """Staff charge a card whose owner agreed to it: chosen lines or the oldest first, in full or in part.

    Returns the charge in whatever state it has come to; the same `key` finds the same charge. Raises NotAllowed,
    NotFoundForViewer, and UserError `not_chargeable`, `nothing_to_charge`, `above_chargeable`,
    `above_limit`, `above_month_limit` before anything is sent.
    """
    if not viewer.may(Permission.TAKE_PAYMENTS):
        raise NotAllowed
    if agreement.practice_id != viewer.practice.id:
        raise NotFoundForViewer
    charge = _place(viewer, agreement, amount, key, line_ids)
    return try_charge(charge.id)


def _place(
    viewer: StaffViewer, agreement: Agreement, amount: Money, key: str, line_ids: Collection[UUID]
) -> Charge:
    with phase():
        lock(BillingAccount.objects.filter(practice=viewer.practice, pk=agreement.account_id)).get()
        before = Charge.objects.filter(practice=viewer.practice, key=key).first()
        if before is not None:
            return before
        agreement = get_agreement(agreement.id)
        if agreement.kind != AgreementKind.STAFF:
            raise errors.not_chargeable(_("The payer agreed to AutoPay or a plan, not to charges by staff."))
        payer = find_payer(agreement)
        if payer.viewer is None:
            raise errors.not_chargeable(payer.why_not)
        owed = find_open_lines(agreement, payer.viewer)
        if line_ids:
            owed = [(line_id, minor) for line_id, minor in owed if line_id in set(line_ids)]
        free = Money(sum(minor for _line, minor in owed), amount.currency)
        if amount.minor <= 0 or not free:
            raise errors.nothing_to_charge()
        if amount > free:
            raise errors.above_chargeable(free)
        check_limits(agreement, amount)
        now = clock.now()
        charge = Charge.objects.create(
            practice=viewer.practice,
            agreement=agreement,
            key=key,
            amount_minor=amount.minor,
            currency=amount.currency,
            due_on=business_date(now, viewer.practice.timezone),
            actor_id=viewer.id,
            created_at=now,
        )
        add_lines(charge, spread(owed, amount.minor))
        record(
            practice_id=viewer.practice.id, actor_id=viewer.id, action="agreements.charge_saved_card",
            target_kind="charge", target_id=charge.id,
        )  # fmt: skip
    return charge


def check_limits(agreement: Agreement, amount: Money) -> None:
    """Raises UserError `above_limit`, `above_month_limit`. With the account held."""
    limit = Money(agreement.charge_limit_minor, agreement.currency)
    if amount > limit:
        raise errors.above_limit(limit)
    left = get_month_left(agreement)
    if left is not None and amount > left:
        raise errors.above_month_limit(Money(max(left.minor, 0), left.currency))


def add_lines(charge: Charge, parts: Collection[tuple[UUID, int]]) -> None:
    ChargeLine.objects.bulk_create(
        ChargeLine(practice_id=charge.practice_id, charge=charge, line_id=line_id, amount_minor=minor)
        for line_id, minor in parts
    )


def try_charge(charge_id: UUID) -> Charge:
    """Bring a charge further: start its try, or learn what came of the one that is under way. Safe to repeat."""
    charge, attempt_try, payer = _begin(charge_id)
    if attempt_try is None or payer is None:
        return charge
    agreement = charge.agreement
    form = PayForm(
        attempt_id=attempt_try.attempt_id,
        line_ids=tuple(UUID(line_id) for line_id, _minor in attempt_try.shares),
        amount=None,
        saved_card_id=agreement.card_id,
        shares=tuple((UUID(line_id), minor) for line_id, minor in attempt_try.shares),
    )
    channel = Channel.STAFF if agreement.kind == AgreementKind.STAFF else Channel.AUTOMATIC
    on_behalf = OnBehalf(payer, channel, charge.actor_id, lambda: _still_agreed(agreement.id))
    try:
        attempt = start_payment(viewer=on_behalf, form=form)
    except UserError as error:
        return _close(charge_id, ChargeState.SKIPPED, error.message)
    except NotFoundForViewer:
        return _close(
            charge_id, ChargeState.SKIPPED, _("The payer may not pay for one of these services any more.")
        )
    if attempt.state == AttemptState.AWAITING_ACTION:
        # The bank wants to see the payer, who is not there: it must not stay open behind their back.
        attempt = fence(attempt=attempt, cause="cancel")
    return conclude(charge_id, attempt)


def _begin(charge_id: UUID) -> tuple[Charge, ChargeTry | None, PortalViewer | None]:
    """T1. No try: the charge is over, or its attempt exists and was looked at."""
    under_way: Attempt | None = None
    with phase():
        account_id = Charge.objects.values_list("agreement__account_id", flat=True).get(pk=charge_id)
        lock(BillingAccount.objects.filter(pk=account_id)).get()
        charge = lock(Charge.objects.filter(pk=charge_id)).get()
        charge.agreement = get_agreement(charge.agreement_id)
        if charge.state not in (ChargeState.PLANNED, ChargeState.RUNNING):
            return charge, None, None
        payer = find_payer(charge.agreement)
        latest = ChargeTry.objects.filter(charge=charge).order_by("-at", "-id").first()
        if charge.state == ChargeState.RUNNING and latest is not None:
            under_way = Attempt.objects.filter(pk=latest.attempt_id).first()
            if under_way is None:
                # Committed and never started: go on with it, or give it up where it may not be charged any more.
                if payer.viewer is None:
                    return _finish(charge, ChargeState.SKIPPED, payer.why_not), None, None
                return charge, latest, payer.viewer
        else:
            return _new_try(charge, payer.viewer, payer.why_not)
    return conclude(charge_id, under_way), None, None


def _new_try(
    charge: Charge, viewer: PortalViewer | None, why_not: str
) -> tuple[Charge, ChargeTry | None, PortalViewer | None]:
    """Decide what the try takes, with the account held, and reserve it."""
    if viewer is None:
        return _finish(charge, ChargeState.SKIPPED, why_not), None, None
    announced = dict(charge.lines.order_by("line__on", "line_id").values_list("line_id", "amount_minor"))
    parts = cut_to_owed(charge.practice_id, announced)
    if not parts:
        return _finish(charge, ChargeState.SKIPPED, _why_nothing(charge, announced)), None, None
    try:
        check_limits(charge.agreement, Money(sum(minor for _line, minor in parts), charge.currency))
    except UserError as error:
        return _finish(charge, ChargeState.SKIPPED, error.message), None, None
    made = ChargeTry.objects.create(
        practice_id=charge.practice_id,
        charge=charge,
        attempt_id=new_id(),
        shares=[[str(line_id), minor] for line_id, minor in parts],
        at=clock.now(),
    )
    charge.state, charge.tries = ChargeState.RUNNING, charge.tries + 1
    charge.save(update_fields=["state", "tries"])
    return charge, made, viewer


def _why_nothing(charge: Charge, announced: Collection[UUID]) -> str:
    from paywell.billing.questions import find_questioned

    if find_questioned(charge.practice_id, list(announced)):
        return _("The client asked about it. It is charged only once that is answered.")
    return _("Nothing of it is owed any more, or it is being paid online.")


def conclude(charge_id: UUID, attempt: Attempt) -> Charge:
    """T2: what came of the try."""
    state = AttemptState(attempt.state)
    if state in machine.OPEN:
        return Charge.objects.get(pk=charge_id)
    if state == AttemptState.SUCCEEDED:
        return _close(charge_id, ChargeState.DONE, "")
    with phase():
        charge = lock(Charge.objects.select_related("agreement__practice").filter(pk=charge_id)).get()
        if charge.state != ChargeState.RUNNING:
            return charge
        if _may_try_again(charge, attempt):
            today = business_date(clock.now(), charge.agreement.practice.timezone)
            charge.state = ChargeState.PLANNED
            charge.due_on = today + RETRY_AFTER[charge.tries - 1]
            charge.words = _("The bank declined it. It is tried again.")
            charge.save(update_fields=["state", "due_on", "words"])
            return charge
        words = (
            _("The bank declined it.")
            if state == AttemptState.DECLINED
            else _("The bank wants the payer to be there, or the charge did not go through.")
        )
        return _finish(charge, ChargeState.FAILED, words)


def _may_try_again(charge: Charge, attempt: Attempt) -> bool:
    is_automatic = charge.agreement.kind != AgreementKind.STAFF
    may_pass = attempt.state == AttemptState.DECLINED and attempt.decline in _MAY_PASS_LATER
    return is_automatic and may_pass and charge.tries <= len(RETRY_AFTER)


def _close(charge_id: UUID, state: ChargeState, words: str) -> Charge:
    with phase():
        charge = lock(Charge.objects.select_related("agreement__practice").filter(pk=charge_id)).get()
        if charge.state not in (ChargeState.PLANNED, ChargeState.RUNNING):
            return charge
        return _finish(charge, state, words)


def _finish(charge: Charge, state: ChargeState, words: str) -> Charge:
    charge.state, charge.words, charge.closed_at = state, words[:300], clock.now()
    charge.save(update_fields=["state", "words", "closed_at"])
    if state == ChargeState.FAILED and charge.agreement.kind != AgreementKind.STAFF:
        emit(
            practice_id=charge.practice_id,
            kind="agreements.charge_failed",
            dedupe=f"charge_failed:{charge.id}:{charge.tries}",
            payload={"charge_id": str(charge.id)},
        )
    if state == ChargeState.SKIPPED and charge.agreement.kind != AgreementKind.STAFF:
        tell_skipped(charge)
    return charge


def tell_skipped(charge: Charge) -> None:
    """The payer expected it and hears that it was not made, once for each day."""
    emit(
        practice_id=charge.practice_id,
        kind="agreements.charge_skipped",
        dedupe=f"charge_skipped:{charge.id}:{charge.due_on.isoformat()}",
        payload={"charge_id": str(charge.id)},
    )


def _still_agreed(agreement_id: UUID) -> None:
    """Asked once more inside the payment's own first transaction.

    It holds the account, and so does whoever ends the agreement or puts it on hold: they are heard here, or come
    after the payment has begun.
    """
    row = Agreement.objects.get(pk=agreement_id)
    if row.ended_at is not None or row.held_at is not None:
        raise errors.not_chargeable(_("The payer ended the agreement or put it on hold."))


def get_agreement(agreement_id: UUID) -> Agreement:
    """With everything that a charge asks of it."""
    rows = Agreement.objects.select_related("practice", "account", "contact", "user", "card")
    return rows.get(pk=agreement_id)
