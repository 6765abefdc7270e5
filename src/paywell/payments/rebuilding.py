"""Makes the row of an attempt anew from the processor's record, where a restore from a back-up has lost it.

In ordinary days there is nothing to rebuild: the row is committed before the processor hears of it.
"""

from __future__ import annotations

from typing import Final

from paywell.clients.models import BillingAccount, Contact
from paywell.core import clock
from paywell.core.db import lock, phase
from paywell.invoicing.models import InvoiceLine
from paywell.payments.memo import Memo, read_memo
from paywell.payments.models import Attempt, AttemptEvent, AttemptLine, AttemptState, Claim, ProcessorAccount
from paywell.payments.schedule import STEP_VALID
from paywell.payments.settle import settle
from paywell.processors.contract import Outcome, Verdict

#: What moved money or may do so by itself. The rest is closed, or is fenced without a row of ours.
_WORTH: Final = frozenset({Verdict.SUCCEEDED, Verdict.PENDING})


def rebuild(processor_account: ProcessorAccount, told: Outcome) -> Attempt | None:
    """The attempt of a charge that no row here belongs to, made anew and settled.

    None where that can't be: the charge carries no memo of ours, or its account or all of its lines are gone, too.
    Its money is then for suspense and a person.
    """
    memo = read_memo(told.memo)
    is_other_mode = told.live_mode is not None and told.live_mode != processor_account.live_mode
    if memo is None or told.verdict not in _WORTH or is_other_mode or not (told.reference and told.processor_ref):
        return None
    attempt = _insert(processor_account, told, memo)
    return settle(attempt_id=attempt.id, truth=told, cause="sweep") if attempt else None


def _insert(processor_account: ProcessorAccount, told: Outcome, memo: Memo) -> Attempt | None:
    practice_id, now = processor_account.practice_id, clock.now()
    with phase():
        accounts = lock(BillingAccount.objects.filter(practice_id=practice_id, pk=memo.account_id))
        account = accounts.first()
        if account is None or Attempt.objects.filter(pk=memo.attempt_id).exists():
            return None
        wanted = dict(memo.lines)
        lines = list(
            InvoiceLine.objects.filter(practice_id=practice_id, account=account, id__in=wanted, voided_at=None)
        )
        if told.money is not None:
            lines = [line for line in lines if line.currency == told.money.currency]
        held = set(Claim.objects.filter(line__in=lines).values_list("line_id", flat=True))
        if not lines or (held and told.verdict is not Verdict.SUCCEEDED):
            return None
        contacts = Contact.objects.filter(practice_id=practice_id, pk=memo.contact_id) if memo.contact_id else None
        contact = contacts.first() if contacts is not None else None
        attempt = Attempt.objects.create(
            id=memo.attempt_id,
            practice_id=practice_id,
            account=account,
            processor_account=processor_account,
            contact=contact,
            actor_id=contact.user_id if contact else None,
            amount_minor=sum(wanted[line.id] for line in lines),
            currency=lines[0].currency,
            content_hash="rebuilt",  # that of no form: the payer's old one, sent again, is refused
            reference=told.reference,
            processor_ref=told.processor_ref,
            created_at=told.at or now,
            submitted_at=told.at or now,
            deadline_at=now + STEP_VALID,
            next_check_at=now,
            rebuilt_at=now,
        )
        rows = [
            AttemptLine(practice_id=practice_id, attempt=attempt, line=line, amount_minor=wanted[line.id])
            for line in lines
        ]
        AttemptLine.objects.bulk_create(rows)
        free = [line for line in lines if line.id not in held]
        Claim.objects.bulk_create([Claim(line=line, practice_id=practice_id, attempt=attempt) for line in free])
        AttemptEvent.objects.create(
            practice_id=practice_id,
            attempt=attempt,
            at=now,
            from_state=AttemptState.CREATED,
            to_state=AttemptState.CREATED,
            cause="rebuild",
            verdict=told.verdict,
        )
    return attempt
