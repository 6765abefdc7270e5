"""Starting a payment: the order of commits and calls that can't charge twice.

T1      hold the billing account, check everything against the rows, insert attempt, lines and claims
open    reserve at the processor: nothing can be taken yet
T2      keep their reference; inline: one worker takes the lease
submit  inline only: the one call that moves money
look up what they say stands there: this is believed, not the answer before it
T3      `settle`
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import IntegrityError, OperationalError

from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.closing import get_closing
from paywell.core.db import is_busy, lock, phase, repeat
from paywell.core.errors import NotFoundForViewer
from paywell.core.money import Money
from paywell.core.prepared import Prepared
from paywell.core.security_log import access_refused
from paywell.payments import errors, machine, processor_accounts
from paywell.payments.cards import customer_for
from paywell.payments.choose import choose_lines
from paywell.payments.consent import STEP_TWO_VERSION
from paywell.payments.declines import check_declines, mark_origin
from paywell.payments.forms import hash_content
from paywell.payments.memo import write_memo
from paywell.payments.models import (
    Attempt,
    AttemptEvent,
    AttemptLine,
    AttemptState,
    Channel,
    Claim,
    ProcessorAccount,
    ProcessorCustomer,
    SavedCard,
)
from paywell.payments.orders import charge_order
from paywell.payments.payer import Payer, check_payer, get_channel, get_link
from paywell.payments.returning import fence
from paywell.payments.schedule import LEASE, STEP_VALID
from paywell.payments.settle import Answer, settle_answers
from paywell.payments.types import LINES_MAX, NOTES_MAX, PayForm
from paywell.processors.contract import ChargeOrder, Outcome, Processor, Style, Submission, Verdict

_log = logging.getLogger("paywell.payments")

_RESERVED: Final = frozenset({Verdict.NEEDS_ACTION, Verdict.PENDING})
#: After these nothing can have moved: there is no truth to look up.
_DEFINITE: Final = frozenset({Verdict.DECLINED, Verdict.NOT_SENT, Verdict.CANCELED, Verdict.NEEDS_ACTION})


_ACCOUNT = Prepared(
    lambda account, practice: lock(BillingAccount.objects.filter(id=account, practice_id=practice)).values_list(
        "id"
    )
)
_ATTEMPT = Prepared(lambda id: Attempt.objects.select_related("processor_account").filter(id=id))
_CARD = Prepared(
    lambda practice, contact, id: SavedCard.objects.filter(practice_id=practice, contact_id=contact, id=id)
)


@dataclass(frozen=True, slots=True)
class _Placed:
    """What T1 found or made. `is_ours`: this request holds the lease and goes on."""

    attempt: Attempt
    is_ours: bool
    customer: ProcessorCustomer | None = None
    memo: str = ""


class _InTheWay(Exception):
    """Older attempts on the same lines that may be replaced, once the processor has fenced them."""

    def __init__(self, attempts: Sequence[Attempt]) -> None:
        super().__init__()
        self.attempts = attempts


def start_payment(*, viewer: Payer, form: PayForm) -> Attempt:
    """Pay what the form says. Returns the attempt in whatever state it has come to.

    Two steps: `awaiting_action`, and `step_url` is where the payer goes next. Sending the same form again
    returns the same attempt and charges nothing. Raises UserError (codes in `payments.errors`) and
    NotFoundForViewer, both before anything is sent.
    """
    form = _clean(form)
    processor_account = processor_accounts.get_active(viewer.practice.id)
    try:
        placed = _place(viewer, form, processor_account)
    except _InTheWay as found:
        _replace(found.attempts)
        placed = _place_again(viewer, form, processor_account)
    if not placed.is_ours:
        return placed.attempt
    return _carry_out(placed, form, label=viewer.practice.discreet_label)


def _clean(form: PayForm) -> PayForm:
    """What can be refused without looking at a row."""
    line_ids = tuple(sorted(set(form.line_ids)))
    notes = form.notes.replace("\x00", "").strip()
    if not line_ids:
        raise errors.nothing_chosen()
    if len(line_ids) > LINES_MAX:
        raise errors.too_many_lines()
    if len(notes) > NOTES_MAX:
        raise errors.notes_too_long()
    return replace(form, line_ids=line_ids, notes=notes)


def _replace(older: Sequence[Attempt]) -> None:
    """Fence them at the processor. Raises UserError `being_paid` for one that can take money after all."""
    for attempt in older:
        if fence(attempt=attempt, cause="replace").state not in machine.CLOSED_UNPAID:
            raise errors.being_paid()


def _place_again(viewer: Payer, form: PayForm, processor_account: ProcessorAccount | None) -> _Placed:
    try:
        return _place(viewer, form, processor_account)
    except _InTheWay:
        raise errors.being_paid() from None


def _place(viewer: Payer, form: PayForm, processor_account: ProcessorAccount | None) -> _Placed:
    """T1, again where the database asks for it: nothing was sent yet."""
    try:
        return repeat(lambda: _decide(viewer, form, processor_account))
    except OperationalError as error:
        if is_busy(error):
            raise errors.busy() from error
        raise


def _decide(viewer: Payer, form: PayForm, processor_account: ProcessorAccount | None) -> _Placed:
    """Everything that is decided is decided here, with the billing account held."""
    content_hash = hash_content(form)
    with phase():
        if not _ACCOUNT(account=viewer.account.id, practice=viewer.practice.id):
            raise BillingAccount.DoesNotExist
        now = clock.now()
        before = _ATTEMPT.first(id=form.attempt_id)
        if before is not None:
            return _resume(viewer, form, before, content_hash, now)
        if get_closing() is not None:
            raise errors.payments_paused()
        if processor_account is None or not processor_account.practice.payments_allowed:
            raise errors.payments_closed()
        check_payer(viewer, form.line_ids, now)
        check_declines(viewer, now, from_ip=form.from_ip)
        chosen = choose_lines(viewer, form)
        in_the_way = [each.held_by for each in chosen if each.held_by is not None]
        if any(not _may_replace(older, now) for older in in_the_way):
            raise errors.being_paid()
        if in_the_way:
            raise _InTheWay(list({older.id: older for older in in_the_way}.values()))
        saved_card = _get_card(viewer, form, processor_account)
        attempt = Attempt(
            id=form.attempt_id,
            practice_id=viewer.practice.id,
            account_id=viewer.account.id,
            processor_account=processor_account,
            contact_id=viewer.contact_id,
            actor_id=viewer.actor_id,
            channel=get_channel(viewer),
            pay_link=get_link(viewer),
            amount_minor=sum(each.share.minor for each in chosen),
            currency=chosen[0].share.currency,
            notes=form.notes,
            content_hash=content_hash,
            saved_card=saved_card,
            consent_version=form.consent_version,
            created_at=now,
            deadline_at=now + STEP_VALID,
            origin_mark=mark_origin(form.from_ip),
            lease_until=now + LEASE,
            next_check_at=now + LEASE,
        )
        style = processor_accounts.make_processor(processor_account).style
        if style is Style.TWO_STEP:
            # A card can be kept only for somebody: whoever holds a pay link has no list to find it in.
            attempt.consent_version = STEP_TWO_VERSION if attempt.contact_id else ""
        elif not form.card_token and saved_card is None:
            raise errors.card_missing()
        attempt.save(force_insert=True)
        _insert_lines(attempt, [(each.line_id, each.share) for each in chosen])
        memo = write_memo(attempt, [(each.line_id, each.share.minor) for each in chosen])
        return _Placed(attempt, is_ours=True, customer=_get_customer(attempt), memo=memo)


def _resume(viewer: Payer, form: PayForm, before: Attempt, content_hash: str, now: datetime) -> _Placed:
    """The same form again: the same attempt. One that got stuck before anything was sent goes on."""
    if (before.practice_id, before.account_id) != (viewer.practice.id, viewer.account.id):
        access_refused(viewer=viewer, kind="attempt", target=before.id, reason="of another account")
        raise NotFoundForViewer
    if before.content_hash != content_hash:
        raise errors.form_reused()
    is_stuck = before.state == AttemptState.CREATED and (before.lease_until is None or before.lease_until <= now)
    if not is_stuck:
        return _Placed(before, is_ours=False)
    before.lease_until = before.next_check_at = now + LEASE
    before.save(update_fields=["lease_until", "next_check_at"])
    memo = write_memo(before, list(before.lines.values_list("line_id", "amount_minor")))
    return _Placed(before, is_ours=True, customer=_get_customer(before), memo=memo)


def _may_replace(older: Attempt, now: datetime) -> bool:
    """Whether nobody is working on it and only the payer could still go on with it."""
    is_leased = older.state == AttemptState.CREATED and older.lease_until is not None and older.lease_until > now
    return AttemptState(older.state) in machine.REPLACEABLE and not is_leased


def _get_card(viewer: Payer, form: PayForm, processor_account: ProcessorAccount) -> SavedCard | None:
    if form.saved_card_id is None:
        return None
    card = _CARD.first(practice=viewer.practice.id, contact=viewer.contact_id, id=form.saved_card_id)
    if card is None:
        access_refused(viewer=viewer, kind="saved card", target=form.saved_card_id, reason="not theirs")
        raise NotFoundForViewer
    if card.removed_at is not None or card.processor_account_id != processor_account.id:
        raise errors.card_missing()
    return card


def _get_customer(attempt: Attempt) -> ProcessorCustomer | None:
    """The payer's name at the processor, made where it is new; None where no card is kept or used."""
    is_wanted = bool(attempt.consent_version) or attempt.saved_card_id is not None
    if attempt.contact_id is None or not is_wanted:
        return None
    return customer_for(
        contact_id=attempt.contact_id,
        processor_account_id=attempt.processor_account_id,
        practice_id=attempt.practice_id,
    )


def _insert_lines(attempt: Attempt, shares: Sequence[tuple[UUID, Money]]) -> None:
    """What the attempt is for, and its hold on it. A line that is held already makes the whole fail."""
    AttemptLine.objects.bulk_create(
        [
            AttemptLine(practice_id=attempt.practice_id, attempt=attempt, line_id=line_id, amount_minor=share.minor)
            for line_id, share in shares
        ]
    )
    try:
        Claim.objects.bulk_create(
            [Claim(line_id=line_id, practice_id=attempt.practice_id, attempt=attempt) for line_id, _ in shares]
        )
    except IntegrityError:
        raise errors.being_paid() from None


def _carry_out(placed: _Placed, form: PayForm, *, label: str) -> Attempt:
    """From `open` to `settle`."""
    attempt = placed.attempt
    processor = processor_accounts.make_processor(attempt.processor_account)
    order = charge_order(attempt, customer=placed.customer, label=label, memo=placed.memo)
    opened = processor.open(order)
    if processor.style is Style.TWO_STEP or opened.verdict not in _RESERVED:
        return _settle_or_leave(attempt, [Answer(opened, "open")])
    try:
        is_ours = repeat(lambda: _take_lease_to_submit(attempt, opened))
    except OperationalError as error:
        if not is_busy(error):
            raise
        # Reserved over there, nothing was taken: the reconciler fences it, and the page says that it is checked.
        _log.warning("attempt %s was opened but not submitted: the database is busy", attempt.id)
        is_ours = False
    if not is_ours:
        return Attempt.objects.get(pk=attempt.pk)
    order = replace(order, processor_ref=opened.processor_ref)
    submission = Submission(
        card_token="" if attempt.saved_card else form.card_token,
        saved_card_token=attempt.saved_card.token if attempt.saved_card else "",
        save_card=bool(attempt.consent_version),
        is_payer_absent=attempt.channel in (Channel.STAFF, Channel.AUTOMATIC),
    )
    return _settle_or_leave(attempt, _submit(processor, order, submission))


def _settle_or_leave(attempt: Attempt, answers: Sequence[Answer]) -> Attempt:
    """Settle; where the database gives no turn, leave it to the reconciler.

    Money may have moved by now, so the payer gets the payment's page, which says that it is checked, and no error.
    """
    try:
        return settle_answers(attempt_id=attempt.id, answers=answers)
    except OperationalError as error:
        if not is_busy(error):
            raise
        _log.warning("attempt %s was answered but not settled: the database is busy", attempt.id)
        return Attempt.objects.get(pk=attempt.pk)


def _submit(processor: Processor, order: ChargeOrder, submission: Submission) -> list[Answer]:
    submitted = processor.submit(order, submission)
    answers = [Answer(submitted, "submit")]
    if submitted.verdict not in _DEFINITE:
        # By their number, where submit brought it: a processor's list may lag behind its own answer.
        known = replace(order, processor_ref=order.processor_ref or submitted.processor_ref)
        answers.append(Answer(processor.look_up(known), "confirm"))
    return answers


def _take_lease_to_submit(attempt: Attempt, opened: Outcome) -> bool:
    """T2: their reference, and the right to make the call that moves money. False if fenced meanwhile."""
    now = clock.now()
    moved = machine.begin_submit(AttemptState.CREATED)
    if isinstance(moved, machine.Refused):
        return False
    with phase():
        taken = Attempt.objects.filter(
            pk=attempt.pk, state=AttemptState.CREATED, lease_until=attempt.lease_until
        ).update(
            state=moved.to,
            processor_ref=opened.processor_ref,
            submitted_at=now,
            lease_until=now + LEASE,
            next_check_at=now + LEASE,
        )
        if taken:
            AttemptEvent.objects.create(
                practice_id=attempt.practice_id,
                attempt=attempt,
                at=now,
                from_state=AttemptState.CREATED,
                to_state=moved.to,
                cause="open",
                verdict=opened.verdict,
                detail=opened.detail[:300],
            )
    return bool(taken)
