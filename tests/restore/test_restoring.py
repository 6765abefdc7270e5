"""A processor ahead of the back-up: what was lost here comes back from there, and nothing is taken twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import transaction

from paywell.books.check import check_books
from paywell.core import clock
from paywell.core.errors import UserError
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.ledger.models import AccountKind, Transfer
from paywell.outbox.models import OutboxEvent
from paywell.payments.actions import refund_payment, start_payment
from paywell.payments.decisions import Decision, decide_review, list_decisions
from paywell.payments.memo import read_memo, write_memo
from paywell.payments.models import Attempt, AttemptState, Claim, Origin, Refund, RefundState, Review
from paywell.payments.restoring import INFLIGHT, Restored, reconcile_after_restore
from paywell.payments.sweep import sweep
from paywell.payments.tests.checks import balance, owed
from paywell.payments.tests.factories import World, make_form, make_line, make_other_payer
from paywell.payments.tests.fake_processor import FakeProcessor
from paywell.processors.contract import Outcome, Verdict


@contextmanager
def lost() -> Iterator[None]:
    """What the database did within the block is gone afterwards; the processor still knows it."""
    before = transaction.savepoint()
    yield
    transaction.savepoint_rollback(before)


def restore(**options: object) -> Restored:
    with clock.set_to(clock.now()):
        return reconcile_after_restore(backup_at=clock.now() - timedelta(hours=1), **options)  # type: ignore[arg-type]


def test_f71_a_payment_that_the_backup_lacks_is_rebuilt_whole(world: World, processor: FakeProcessor) -> None:
    lines = [make_line(world, 12000), make_line(world, 5000)]
    with lost():
        attempt = start_payment(viewer=world.viewer, form=make_form(*lines))
    assert not Attempt.objects.exists()
    restored = restore()
    rebuilt = Attempt.objects.get()
    assert restored.rebuilt == [attempt.id] == [rebuilt.id]
    assert (rebuilt.state, rebuilt.captured_minor) == (AttemptState.SUCCEEDED, 17000)
    assert (rebuilt.reference, rebuilt.contact, rebuilt.account) == (
        attempt.reference,
        world.contact,
        world.account,
    )
    assert [owed(line) for line in lines] == [0, 0]
    assert balance(world, AccountKind.CLEARING) == 17000
    assert not Claim.objects.exists()
    assert check_books(with_processor=True).offences == []


def test_f71_restoring_twice_changes_nothing_more(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    with lost():
        start_payment(viewer=world.viewer, form=make_form(line))
    restore()
    transfers = Transfer.objects.count()
    assert restore().rebuilt == []
    assert Transfer.objects.count() == transfers
    assert processor.taken == 12000


def test_f72_a_rebuilt_payment_has_new_keys_and_the_old_form_charges_nothing(
    world: World, processor: FakeProcessor
) -> None:
    line = make_line(world)
    form = make_form(line)
    with lost():
        attempt = start_payment(viewer=world.viewer, form=form)
    restore()
    rebuilt = Attempt.objects.get()
    assert rebuilt.submit_key != attempt.submit_key
    with pytest.raises(UserError) as refusal:
        start_payment(viewer=world.viewer, form=form)
    assert refusal.value.code == "form_reused"
    with pytest.raises(UserError) as refusal:
        start_payment(viewer=world.viewer, form=make_form(line))
    assert refusal.value.code == "already_paid"
    assert processor.taken == 12000


def test_f73_a_capture_that_is_still_under_way_is_waited_for(world: World, processor: FakeProcessor) -> None:
    """The request arrives while payments are closed: the service is not open when they open again."""
    line = make_line(world)
    processor.behavior = "late"
    with lost():
        attempt = start_payment(viewer=world.viewer, form=make_form(line))
    waited = []

    def arrive(duration: timedelta) -> None:
        waited.append(duration)
        processor.finish(attempt.reference)

    restore(wait=arrive)
    assert waited == [INFLIGHT]
    assert owed(line) == 0
    assert processor.taken == 12000


def test_f73_what_could_still_take_money_is_fenced_before_payments_open(
    world: World, two_step: FakeProcessor
) -> None:
    """The payer sits on the processor's page of a payment that nobody here remembers."""
    line = make_line(world)
    with lost():
        attempt = start_payment(viewer=world.viewer, form=make_form(line))
    assert restore().fenced == 1
    two_step.pay_at_step_two(attempt.reference)
    assert two_step.taken == 0
    start_payment(viewer=world.viewer, form=make_form(line))


def test_f73_while_a_fence_has_no_clear_answer_the_restore_is_not_whole(
    world: World, two_step: FakeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No later sweep fences a charge that no row tells of: payments stay closed, and `--again` tries again."""
    line = make_line(world)
    with lost():
        attempt = start_payment(viewer=world.viewer, form=make_form(line))
    with monkeypatch.context() as lossy:
        lossy.setattr(two_step, "cancel", lambda order: Outcome(Verdict.UNKNOWN))
        assert [each.rpartition(" gave ")[2] for each in restore().unasked] == ["no whole answer"]
    again = restore()
    assert (again.unasked, again.fenced) == ([], 1)
    two_step.pay_at_step_two(attempt.reference)
    assert two_step.taken == 0


def test_f73_an_attempt_that_was_open_in_the_backup_is_brought_to_its_end(
    world: World, two_step: FakeProcessor
) -> None:
    paid, left_lying = make_line(world), make_line(world)
    first = start_payment(viewer=world.viewer, form=make_form(paid))
    start_payment(viewer=world.viewer, form=make_form(left_lying))
    two_step.pay_at_step_two(first.reference)
    restore()
    assert [owed(paid), owed(left_lying)] == [0, 12000]
    assert not Claim.objects.exists()


def test_what_the_processor_has_accepted_and_not_decided_holds_its_lines_again(
    world: World, processor: FakeProcessor
) -> None:
    line = make_line(world)
    processor.behavior = "late"
    with lost():
        start_payment(viewer=world.viewer, form=make_form(line))
    restore()
    assert Attempt.objects.get().state == AttemptState.PROCESSING
    with pytest.raises(UserError) as refusal:
        start_payment(viewer=world.viewer, form=make_form(line))
    assert refusal.value.code == "being_paid"


def test_f71_a_refund_that_the_backup_lacks_is_booked_as_ours(world: World, processor: FakeProcessor) -> None:
    attempt = start_payment(viewer=world.viewer, form=make_form(make_line(world)))
    with lost():
        made = refund_payment(viewer=world.staff, attempt=attempt, amount=Money(4000), reason="Late")
    restored = restore()
    refund = Refund.objects.get()
    assert restored.rebuilt_refunds == 1
    assert (refund.origin, refund.state, refund.reference) == (Origin.HERE, RefundState.DONE, made.reference)
    assert balance(world, AccountKind.CLEARING) == 8000
    assert Review.objects.get().kind == "refund_rebuilt"
    assert check_books(with_processor=True).offences == []


def test_a_payment_whose_line_is_gone_too_is_rebuilt_with_the_rest_as_credit(
    world: World, processor: FakeProcessor
) -> None:
    kept = make_line(world, 12000)
    with lost():
        start_payment(viewer=world.viewer, form=make_form(kept, make_line(world, 5000)))
    restore()
    assert owed(kept) == 0
    assert balance(world, AccountKind.CLIENT_CREDIT) == -5000
    assert {review.kind for review in Review.objects.all()} == {"payment_rebuilt", "amount_differs"}
    assert check_books(with_processor=True).offences == []


def test_money_whose_account_is_gone_too_waits_in_suspense(world: World, processor: FakeProcessor) -> None:
    with lost():
        start_payment(viewer=world.viewer, form=make_form(make_line(world)))
    restored = restore()
    assert restored.rebuilt == []
    assert balance(world, AccountKind.SUSPENSE) == -12000
    assert Review.objects.get().kind == "unmatched_charge"


def test_a_processor_that_gives_no_answer_is_named(
    world: World, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from paywell.processors.contract import ProcessorUnavailable

    def cut_short(since: object) -> list[object]:
        raise ProcessorUnavailable

    monkeypatch.setattr(processor, "list_since", cut_short)
    assert restore().unasked == [f"test_inline {world.processor_account.id} gave no whole answer"]


def test_an_ordinary_sweep_rebuilds_as_well(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    with lost():
        start_payment(viewer=world.viewer, form=make_form(line))
    assert sweep(world.processor_account, clock.now() - timedelta(hours=1)) == 1
    assert owed(line) == 0


def test_a_memo_of_another_practices_account_rebuilds_nothing(world: World, processor: FakeProcessor) -> None:
    from paywell.payments.tests.factories import make_world

    other = make_world("Hillside")
    line = make_line(other)
    with lost():
        start_payment(viewer=other.viewer, form=make_form(line))
    sweep(world.processor_account, clock.now() - timedelta(hours=1))
    assert not Attempt.objects.exists()
    assert owed(line) == 12000


@pytest.mark.parametrize("decision", [Decision.SEND_RECEIPT, Decision.NO_RECEIPT])
def test_staff_decide_whether_the_receipt_of_a_rebuilt_payment_goes_out(
    decision: Decision, world: World, processor: FakeProcessor
) -> None:
    line = make_line(world)
    with lost():
        start_payment(viewer=world.viewer, form=make_form(line))
    restore()
    assert OutboxEvent.objects.get(kind="payments.payment_succeeded").payload["rebuilt"] == "yes"
    review = Review.objects.get(kind="payment_rebuilt")
    assert list_decisions(review) == (Decision.SEND_RECEIPT, Decision.NO_RECEIPT)
    decide_review(viewer=world.staff, review=review, decision=decision, note="Looked")
    review.refresh_from_db()
    assert review.closed_at is not None
    wanted = OutboxEvent.objects.filter(kind="payments.receipt_wanted").count()
    assert wanted == (1 if decision is Decision.SEND_RECEIPT else 0)


def test_a_memo_reads_back_and_survives_being_cut(world: World) -> None:
    attempt = Attempt(id=new_id(), account=world.account, contact=world.contact)
    lines = sorted((new_id(), 100 + 1000 * n) for n in range(12))
    memo = write_memo(attempt, lines)
    read = read_memo(memo)
    assert read is not None
    assert (read.attempt_id, read.account_id, read.contact_id) == (attempt.id, world.account.id, world.contact.id)
    assert read.lines == tuple(lines)
    for length in range(len(memo)):
        cut = read_memo(memo[:length])
        assert cut is None or cut.lines == tuple(lines[: len(cut.lines)])
    at_255 = read_memo(memo[:255])
    assert at_255 is not None
    assert len(at_255.lines) >= 7


@pytest.mark.parametrize("text", ["", "hello", "Order 17", "====", "é" * 80, "A" * 79, "/" * 80])
def test_what_is_no_memo_is_none(text: str) -> None:
    assert read_memo(text) is None


def test_another_payers_memo_names_no_person(world: World, processor: FakeProcessor) -> None:
    payer = make_other_payer(world, may_pay=True)
    start_payment(viewer=payer, form=make_form(make_line(world)))
    charge = next(iter(processor.charges.values()))
    for word in ("Leo", "Mia", "Stone", "Session"):
        assert word not in charge.memo
