"""Keeps what processors tell of their fees and deposits: a register beside the ledger, which it moves nowhere.

Each sweep brings the register to what the processor says. An entry that names a payment of ours is tied to it;
what is in no entry stays a difference that the desk shows (docs/decisions/0011-fees-and-deposits.md).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from paywell.core import clock
from paywell.core.db import lock, phase
from paywell.core.money import Money
from paywell.payments import processor_accounts
from paywell.payments.booking import get_booked_charges, get_suspended_parts
from paywell.payments.models import (
    Attempt,
    AttemptState,
    Deposit,
    DepositPart,
    Dispute,
    ProcessorAccount,
    Refund,
)
from paywell.processors import contract
from paywell.processors.contract import Capability, PartKind, ProcessorUnavailable, TellsDeposits

#: A register that was not read to the end for so long is told to staff; sooner where it never was.
STALE: Final = timedelta(days=2)
NEVER_READ: Final = timedelta(hours=3)

_log = logging.getLogger("paywell.payments.deposits")

#: Entries that are about one charge.
OF_CHARGES: Final = (PartKind.CHARGE, PartKind.REFUND, PartKind.DISPUTE)


def keep_fee(attempt: Attempt, fee: Money) -> None:
    """What the processor keeps of a payment. Once it is in a deposit, the deposit's word stands."""
    is_news = attempt.state == AttemptState.SUCCEEDED and fee.minor != attempt.fee_minor
    if not is_news or fee.currency != attempt.currency:
        return
    deposited = DepositPart.objects.filter(practice_id=attempt.practice_id, attempt=attempt, kind=PartKind.CHARGE)
    if attempt.fee_minor is None or not deposited.exists():
        Attempt.objects.filter(pk=attempt.pk, practice_id=attempt.practice_id).update(fee_minor=fee.minor)


def sweep_deposits(processor_account: ProcessorAccount, since: datetime) -> int:
    """Bring the register to what the processor tells since then, or since it was last read to the end if that is
    longer ago; not before the account was connected. Returns how many deposits changed here.

    A list that can't be read leaves everything as it was: the next sweep begins where this one did.
    """
    processor = processor_accounts.make_processor(processor_account)
    if Capability.DEPOSITS not in processor.capabilities or not isinstance(processor, TellsDeposits):
        return 0
    since = max(min(since, processor_account.deposits_until or since), processor_account.connected_at)
    began, changed = clock.now(), 0
    tells_fees = Capability.FEES in processor.capabilities
    try:
        for told in processor.list_deposits(since):
            if told.live_mode is None or told.live_mode == processor_account.live_mode:
                changed += _keep(processor_account, processor, told, tells_fees=tells_fees)
    except ProcessorUnavailable:
        _log.warning("the deposits of %s could not be read to the end", processor_account.id)
        return changed
    ProcessorAccount.objects.filter(pk=processor_account.pk).update(deposits_until=began)
    return changed


def is_unread(processor_account: ProcessorAccount) -> bool:
    """Whether fees and deposits stay away because the processor does not let them be read, as far as that shows."""
    until = processor_account.deposits_until
    waited = clock.now() - (until or processor_account.connected_at)
    return processor_account.is_active and waited > (STALE if until else NEVER_READ)


def get_unexplained(deposit: Deposit, parts: Iterable[DepositPart]) -> int:
    """What of the deposit's amount no entry explains, in minor units. Zero where the processor names no entries."""
    if not deposit.is_itemized:
        return 0
    return deposit.amount_minor - sum(part.gross_minor - part.fee_minor for part in parts)


def _keep(
    processor_account: ProcessorAccount, processor: TellsDeposits, told: contract.Deposit, *, tells_fees: bool
) -> bool:
    """One deposit. Its entries are asked for while they are new, or do not add up to it yet."""
    practice_id = processor_account.practice_id
    known = Deposit.objects.filter(
        practice_id=practice_id, processor_account=processor_account, processor_ref=told.processor_ref
    ).first()
    kept = list(known.parts.all()) if known else []
    if known is not None and _is_as_told(known, told) and not get_unexplained(known, kept):
        unknown = [part for part in kept if part.kind in OF_CHARGES and not part.is_booked]
        return bool(unknown) and _tie_again(processor_account, unknown)
    entries = list(processor.list_deposit_parts(told.processor_ref)) if told.is_itemized else []
    parts = [
        _read_part(processor_account, entry)
        for entry in {each.entry_ref: each for each in entries}.values()
        if entry_is_of(told, entry)
    ]
    with phase():
        lock(ProcessorAccount.objects.filter(pk=processor_account.pk)).get()
        deposit, _is_new = Deposit.objects.update_or_create(
            practice_id=practice_id,
            processor_account=processor_account,
            processor_ref=told.processor_ref,
            defaults=_values(told),
        )
        _tie(processor_account, parts)
        deposit.parts.all().delete()
        for part in parts:
            part.deposit = deposit
        DepositPart.objects.bulk_create(parts)
        if tells_fees:
            _correct_fees(parts)
    return True


def entry_is_of(told: contract.Deposit, entry: contract.DepositPart) -> bool:
    """An entry in another currency explains nothing of the deposit."""
    return entry.gross.currency == entry.fee.currency == told.money.currency


def _values(told: contract.Deposit) -> dict[str, Any]:
    return {
        "state": told.state.value, "amount_minor": told.money.minor, "currency": told.money.currency,
        "made_at": told.made_at, "arrives_on": told.arrives_on, "is_itemized": told.is_itemized,
    }  # fmt: skip


def _is_as_told(known: Deposit, told: contract.Deposit) -> bool:
    return all(getattr(known, name) == value for name, value in _values(told).items())


def _read_part(processor_account: ProcessorAccount, entry: contract.DepositPart) -> DepositPart:
    return DepositPart(
        practice_id=processor_account.practice_id,
        entry_ref=entry.entry_ref[:120],
        kind=entry.kind.value,
        gross_minor=entry.gross.minor,
        fee_minor=entry.fee.minor,
        object_ref=entry.object_ref[:120],
        reference=entry.reference[:20],
        at=entry.at,
    )


def _tie_again(processor_account: ProcessorAccount, parts: Sequence[DepositPart]) -> bool:
    """Entries whose payment was not known here when they came, and may be by now."""
    _tie(processor_account, parts)
    found = [part for part in parts if part.is_booked]
    if found:
        with phase():
            DepositPart.objects.bulk_update(found, ["attempt", "is_booked"])
    return bool(found)


def _tie(processor_account: ProcessorAccount, parts: Sequence[DepositPart]) -> None:
    """To the payments that the entries name, by our reference or by theirs; or to money that waits in suspense.

    A refund or a dispute of such money goes where its charge went.
    """
    about = [part for part in parts if part.kind in OF_CHARGES]
    refs = {part.object_ref for part in about if part.object_ref}
    references = {part.reference for part in about if part.reference}
    charges = get_suspended_parts(processor_account, refs)
    refs |= set(charges.values())
    found = _find_payments(processor_account, refs, references)
    booked = get_booked_charges(processor_account, refs)
    for part in about:
        charge_ref = charges.get(part.object_ref, part.object_ref)
        part.attempt_id = found.get(part.object_ref) or found.get(part.reference) or found.get(charge_ref)
        part.is_booked = part.attempt_id is not None or charge_ref in booked


def _find_payments(processor_account: ProcessorAccount, refs: set[str], references: set[str]) -> dict[str, UUID]:
    """Attempt ids by every name under which a charge, a refund or a dispute of theirs may be called."""
    practice_id = processor_account.practice_id
    account = {"practice_id": practice_id, "processor_account": processor_account}
    through = {"practice_id": practice_id, "attempt__processor_account": processor_account}
    found: dict[str, UUID] = {}
    found |= dict(Attempt.objects.filter(**account, processor_ref__in=refs).values_list("processor_ref", "id"))
    found |= dict(
        Refund.objects.filter(**through, processor_ref__in=refs).values_list("processor_ref", "attempt_id")
    )
    found |= dict(
        Dispute.objects.filter(**through, processor_ref__in=refs).values_list("processor_ref", "attempt_id")
    )
    ours = {"practice_id": practice_id, "reference__in": references}
    found |= dict(Attempt.objects.filter(**ours).values_list("reference", "id"))
    found |= dict(Refund.objects.filter(**ours).values_list("reference", "attempt_id"))
    return found


def _correct_fees(parts: Iterable[DepositPart]) -> None:
    """The fee that was really taken is the payment's fee."""
    fees = {part.attempt_id: part.fee_minor for part in parts if part.kind == PartKind.CHARGE and part.attempt_id}
    wrong = [each for each in Attempt.objects.filter(pk__in=fees) if each.fee_minor != fees[each.pk]]
    for attempt in wrong:
        attempt.fee_minor = fees[attempt.pk]
    Attempt.objects.bulk_update(wrong, ["fee_minor"])
