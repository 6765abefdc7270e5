"""Guards of settling, notices, recovery and e-mails."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from paywell.payments.models import AttemptState as S
from paywell.processors.contract import Disputed, Outcome, Verdict
from tests.faults.mutants.registry import change_cell, mutant, put


@mutant("a payment is posted once")
def posted_again(stack: ExitStack) -> None:
    from paywell.core.ids import new_key
    from paywell.payments import booking

    original = booking._post

    def post(attempt: Any, source: str, postings: Any, *, actor_id: Any = None) -> None:
        again = f"{source}:{new_key()[:8]}" if source.startswith("payment:") else source
        original(attempt, again, postings, actor_id=actor_id)

    put(stack, "paywell.payments.booking._post", post)
    for said in ("look_up", "look_up_after_grace"):
        change_cell(stack, said, S.SUCCEEDED, Verdict.SUCCEEDED, S.SUCCEEDED, "POST")


@mutant("money that comes late goes to suspense and before a person", "O", is_later=True, network_rate=0.45)
def late_money_ignored(stack: ExitStack) -> None:
    for said in ("look_up", "look_up_after_grace"):
        for state in (S.FAILED, S.EXPIRED, S.CANCELED, S.DECLINED):
            change_cell(stack, said, state, Verdict.SUCCEEDED, state)


@mutant("amount, reference and mode of a success are compared with the order", profile="mixup", crash_rate=0.0)
def no_judge(stack: ExitStack) -> None:
    put(stack, "paywell.payments.settle.find_objection", lambda attempt, outcome: "")


@mutant("receipts are written with the settlement")
def no_news(stack: ExitStack) -> None:
    from paywell.payments import settle

    stack.enter_context(patch.object(settle, "_NEWS", {}))


@mutant(
    "what a notice says is not believed",
    "KOH",
    profile="dispute",
    has_notices=True,
    has_sweep=False,
    notice_loss=0.0,
)
def notice_believed(stack: ExitStack) -> None:
    from paywell.core.money import Money
    from paywell.payments import noticing
    from paywell.payments.settle import settle

    def look(notice: Any, attempt: Any) -> Outcome:
        kind, *told = notice.kind.split(":")
        money = Money(attempt.amount_minor)
        disputes: tuple[Disputed, ...] = ()
        if kind == "dispute":
            disputes = (Disputed(told[0], Money(int(told[1])), Money(int(told[2])), told[3]),)
        verdict = Verdict.SUCCEEDED if kind in ("paid", "dispute") else Verdict.PENDING
        return Outcome(verdict, notice.charge_ref, notice.reference, money, disputes=disputes, live_mode=False)

    def settle_stored_notice(notice_id: Any) -> None:
        notice = noticing.StoredNotice.objects.get(pk=notice_id)
        attempt = noticing._find_attempt(notice)
        if attempt is not None and notice.done_at is None:
            settle(attempt_id=attempt.id, truth=look(notice, attempt), cause="notice")
        noticing.StoredNotice.objects.filter(pk=notice_id).update(done_at=noticing.clock.now())

    put(stack, "paywell.payments.jobs.settle_stored_notice", settle_stored_notice)
    put(stack, "paywell.payments.noticing.settle_stored_notice", settle_stored_notice)


@mutant("a notice of the other mode is refused", has_notices=True)
def notice_of_any_mode(stack: ExitStack) -> None:
    from paywell.payments import notices, processor_accounts

    def verify(account: Any, notice: Any) -> Any:
        return processor_accounts.make_processor(account).read_notice(notice)

    assert notices._verify is not verify
    put(stack, "paywell.payments.notices._verify", verify)


@mutant("a return address must be signed", "H")
def any_return(stack: ExitStack) -> None:
    put(stack, "paywell.payments.returning.is_return_signature", lambda attempt, signature: True)


@mutant("the reconciler looks again on its schedule", network_rate=0.3)
def no_reconciler(stack: ExitStack) -> None:
    put(stack, "paywell.payments.jobs.reconcile_due", lambda: 0)


@mutant("the sweep compares the whole list", profile="dispute", notice_loss=0.5)
def no_sweep(stack: ExitStack) -> None:
    put(stack, "paywell.payments.sweep.sweep_all", lambda: None)


@mutant("the reconciler gives the payer's unfinished step an end", "H")
def no_deadline(stack: ExitStack) -> None:
    from datetime import timedelta

    put(stack, "paywell.payments.settle.STEP_VALID", timedelta(days=30))
    put(stack, "paywell.payments.start.STEP_VALID", timedelta(days=30))


@mutant("one worker owns an event and an e-mail", workers=2, may_stand_still=False, crash_rate=0.0, mail_rate=0.0)
def no_mail_lease(stack: ExitStack) -> None:
    from django.db.models import Q

    put(stack, "paywell.outbox.delivery._free", Q)
    put(stack, "paywell.notifications.send._lease", lambda delivery: True)


@mutant("an event is marked after its e-mail was accepted", mail_rate=0.4, mail_is_down=False)
def mail_marked_before(stack: ExitStack) -> None:
    from paywell.notifications import send

    original = send._make_email

    def make(practice: Any, mail: Any, message_id: str) -> Any:
        send.Delivery.objects.filter(message_id=message_id).update(sent_at=send.clock.now())
        return original(practice, mail, message_id)

    put(stack, "paywell.notifications.send._make_email", make)
