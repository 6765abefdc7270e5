from __future__ import annotations

from datetime import timedelta

import pytest

from paywell.core import clock
from paywell.core.money import Money
from paywell.invoicing import holds
from paywell.ledger.models import AccountKind
from paywell.payments.actions import start_payment
from paywell.payments.models import Attempt, AttemptEvent, AttemptState, ProcessorAccount, Review, StoredNotice
from paywell.payments.noticing import settle_due_notices, settle_stored_notice
from paywell.payments.sweep import sweep, sweep_all
from paywell.payments.tests.checks import balance, owed
from paywell.payments.tests.factories import World, make_form, make_line
from paywell.payments.tests.fake_processor import Charge, FakeProcessor
from paywell.processors.contract import Outcome, ProcessorUnavailable, Refunded, Verdict


def pay(world: World, *lines: object) -> Attempt:
    return start_payment(viewer=world.viewer, form=make_form(*lines))  # type: ignore[arg-type]


def run(world: World) -> int:
    return sweep(world.processor_account, clock.now() - timedelta(hours=72))


def test_a_sweep_without_differences_writes_nothing(world: World, processor: FakeProcessor) -> None:
    pay(world, make_line(world))
    events = AttemptEvent.objects.count()
    assert run(world) == 0
    assert AttemptEvent.objects.count() == events


def test_f52_a_sweep_settles_what_everything_else_missed(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    processor.lose("submit")
    processor.lose("look_up")
    pay(world, line)
    assert run(world) == 1
    assert owed(line) == 0
    assert run(world) == 0


def test_money_that_belongs_to_no_attempt_goes_to_suspense_and_one_review(
    world: World, processor: FakeProcessor
) -> None:
    theirs = Charge("ch_theirs", "", Money(7000), "paid", Money(7000))
    processor.charges["x"] = theirs
    assert run(world) == 1
    assert run(world) == 0
    assert balance(world, AccountKind.SUSPENSE) == -7000
    assert balance(world, AccountKind.CLEARING) == 7000
    assert Review.objects.get().kind == "unmatched_charge"
    theirs.refunds["r"] = Refunded("re_1", Money(7000), Verdict.SUCCEEDED)
    assert run(world) == 1
    assert balance(world, AccountKind.SUSPENSE) == 0
    assert Review.objects.count() == 1


def test_a_late_success_swept_in_twice_is_counted_once(world: World, processor: FakeProcessor) -> None:
    processor.behavior = "declined"
    attempt = pay(world, make_line(world))
    charge = processor.charges[attempt.reference]
    charge.status, charge.captured = "paid", charge.money
    run(world)
    run(world)
    assert balance(world, AccountKind.CLEARING) == 12000
    assert balance(world, AccountKind.SUSPENSE) == -12000
    assert Review.objects.count() == 1


def test_what_still_lives_over_there_is_fenced_once_it_is_old(world: World, processor: FakeProcessor) -> None:
    processor.behavior = "declined"
    attempt = pay(world, make_line(world))
    charge = processor.charges[attempt.reference]
    charge.status = "action"
    assert run(world) == 0
    with clock.set_to(clock.now() + timedelta(hours=3)):
        assert run(world) == 1
    assert charge.status == "canceled"
    assert Attempt.objects.get().state == AttemptState.DECLINED


def test_a_sweep_that_was_cut_short_begins_there_again(
    world: World, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_short(since: object) -> list[Outcome]:
        raise ProcessorUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(processor, "list_since", cut_short)
        sweep_all()
    assert ProcessorAccount.objects.get().swept_until is None
    sweep_all()
    assert ProcessorAccount.objects.get().swept_until is not None


def ring(world: World, **said: str) -> StoredNotice:
    return StoredNotice.objects.create(
        practice=world.practice,
        processor_account=world.processor_account,
        event_id=f"evt_{StoredNotice.objects.count()}",
        received_at=clock.now(),
        **said,
    )


def test_a_notice_is_a_doorbell_and_the_truth_is_looked_up(world: World, processor: FakeProcessor) -> None:
    processor.behavior = "late"
    line = make_line(world)
    attempt = pay(world, line)
    notice = ring(world, reference=attempt.reference, kind="charge.paid")
    settle_stored_notice(notice.id)
    assert Attempt.objects.get().state == AttemptState.PROCESSING
    processor.finish(attempt.reference)
    for _ in range(2):
        settle_stored_notice(ring(world, reference=attempt.reference, kind="charge.declined").id)
    assert Attempt.objects.get().state == AttemptState.SUCCEEDED
    assert owed(line) == 0
    assert not StoredNotice.objects.filter(done_at=None).exists()


def test_a_notice_of_an_unknown_charge_waits_and_then_asks_a_person(world: World, processor: FakeProcessor) -> None:
    notice = ring(world, charge_ref="ch_nobody")
    settle_stored_notice(notice.id)
    assert not Review.objects.exists()
    with clock.set_to(clock.now() + timedelta(minutes=16)):
        settle_due_notices()
    assert Review.objects.get().kind == "notice_of_unknown_charge"
    assert not StoredNotice.objects.filter(done_at=None).exists()


def test_a_service_that_is_being_paid_is_held(world: World, processor: FakeProcessor) -> None:
    line, other = make_line(world), make_line(world)
    processor.behavior = "late"
    attempt = pay(world, line)
    assert holds.any_held([line.id])
    assert not holds.any_held([other.id])
    processor.finish(attempt.reference)
    run(world)
    assert not holds.any_held([line.id])
