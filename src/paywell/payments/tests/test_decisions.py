from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from paywell.accounts.models import Role
from paywell.audit.models import AuditEvent
from paywell.core import clock
from paywell.core.errors import NotAllowed, NotFoundForViewer, UserError
from paywell.core.money import Money
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.models import AccountKind, Transfer
from paywell.outbox.models import OutboxEvent
from paywell.payments.actions import cancel_attempt, refund_payment, start_payment
from paywell.payments.decisions import Decision, decide_review, list_decisions
from paywell.payments.models import Attempt, AttemptState, Claim, Refund, RefundState, Review
from paywell.payments.orders import charge_order
from paywell.payments.reviews import close_review
from paywell.payments.settle import give_up, settle
from paywell.payments.settle_refunds import give_up_refund
from paywell.payments.sweep import sweep
from paywell.payments.tests.checks import balance, owed
from paywell.payments.tests.factories import World, make_form, make_line, make_world
from paywell.payments.tests.fake_processor import FakeProcessor
from paywell.processors.contract import Disputed, Outcome, Refunded, Verdict


def decide(world: World, decision: Decision, note: str = "Asked the processor.") -> Review:
    review = Review.objects.filter(closed_at=None).order_by("opened_at", "id")[0]
    return decide_review(viewer=world.staff, review=review, decision=decision, note=note)


def make_given_up(world: World, processor: FakeProcessor, line: InvoiceLine, status: str) -> Attempt:
    """Nothing was heard for 72 hours; over there the charge stands at `status`."""
    processor.behavior = "late"
    attempt = start_payment(viewer=world.viewer, form=make_form(line))
    assert give_up(attempt_id=attempt.id).state == AttemptState.IN_REVIEW
    processor.finish(attempt.reference, status)
    return attempt


@pytest.mark.parametrize("status", ["declined", "canceled"])
def test_a_payment_that_moved_nothing_fails_and_frees_its_service(
    world: World, processor: FakeProcessor, status: str
) -> None:
    line = make_line(world)
    attempt = make_given_up(world, processor, line, status)
    review = decide(world, Decision.NOTHING_MOVED)
    attempt.refresh_from_db()
    assert (attempt.state, attempt.captured_minor) == (AttemptState.FAILED, 0)
    assert (review.closed_by_id, review.closing_note) == (world.staff.id, "Asked the processor.")
    assert not Claim.objects.exists()
    assert owed(line) == 12_000
    last = attempt.events.order_by("-id")[0]
    assert (last.cause, last.from_state, last.to_state) == ("person", "in_review", "failed")
    assert list(AuditEvent.objects.order_by("seq").values_list("action", flat=True)) == [
        "payments.close_unpaid",
        "payments.close_review",
    ]


def test_a_charge_that_does_not_exist_moved_nothing(world: World, processor: FakeProcessor) -> None:
    attempt = make_given_up(world, processor, make_line(world), "pending")
    processor.charges.clear()
    decide(world, Decision.NOTHING_MOVED)
    assert Attempt.objects.get(pk=attempt.pk).state == AttemptState.FAILED


def test_a_reserved_charge_is_fenced_before_it_is_called_dead(world: World, processor: FakeProcessor) -> None:
    attempt = make_given_up(world, processor, make_line(world), "action")
    decide(world, Decision.NOTHING_MOVED)
    assert processor.charges[attempt.reference].status == "canceled"
    assert Attempt.objects.get(pk=attempt.pk).state == AttemptState.FAILED


@pytest.mark.parametrize(("status", "code"), [("pending", "may_still_move"), ("paid", "money_moved")])
def test_nothing_moved_is_refused_when_the_processor_says_otherwise(
    world: World, processor: FakeProcessor, status: str, code: str
) -> None:
    line = make_line(world)
    attempt = make_given_up(world, processor, line, status)
    with pytest.raises(UserError) as refusal:
        decide(world, Decision.NOTHING_MOVED)
    assert refusal.value.code == code
    assert Attempt.objects.get(pk=attempt.pk).state == AttemptState.IN_REVIEW
    assert Claim.objects.get().attempt_id == attempt.id
    assert not Review.objects.exclude(closed_at=None).exists()
    assert (owed(line), AuditEvent.objects.count()) == (12_000, 0)


def test_no_answer_decides_nothing(world: World, processor: FakeProcessor) -> None:
    attempt = make_given_up(world, processor, make_line(world), "declined")
    for decision in Decision:
        processor.script("look_up", lambda truth: Outcome(Verdict.UNKNOWN, detail="ReadTimeout"))
        with pytest.raises(UserError):
            decide(world, decision)
    assert Attempt.objects.get(pk=attempt.pk).state == AttemptState.IN_REVIEW


def test_an_accepted_charge_pays_its_service_out_of_suspense(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    attempt = make_given_up(world, processor, line, "paid")
    decide(world, Decision.ACCEPT)
    attempt.refresh_from_db()
    assert (attempt.state, attempt.captured_minor) == (AttemptState.SUCCEEDED, 12_000)
    assert (owed(line), balance(world, AccountKind.CLEARING), balance(world, AccountKind.SUSPENSE)) == (
        0,
        12_000,
        0,
    )
    assert not Claim.objects.exists()
    assert OutboxEvent.objects.filter(kind="payments.payment_succeeded").count() == 1
    assert AuditEvent.objects.filter(action="payments.accept_charge", target_id=attempt.id).count() == 1


def test_f44_accepting_another_amount_than_agreed_is_told_in_a_review(
    world: World, processor: FakeProcessor
) -> None:
    """Found by the fault simulation: the books asked for that review, and nobody opened it."""
    attempt = make_given_up(world, processor, make_line(world), "paid")
    processor.charges[attempt.reference].captured = Money(11_900)
    decide(world, Decision.ACCEPT)
    attempt.refresh_from_db()
    assert (attempt.state, attempt.captured_minor) == (AttemptState.SUCCEEDED, 11_900)
    assert Review.objects.get(kind="amount_differs").amount_minor == 11_900


def test_what_was_accepted_stays_as_it_is_and_can_be_refunded(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    attempt = make_given_up(world, processor, line, "paid")
    decide(world, Decision.ACCEPT)
    before = Transfer.objects.count()
    with clock.set_to(clock.now() + timedelta(days=2)):
        sweep(world.processor_account, clock.now() - timedelta(days=7))
        attempt.refresh_from_db()
        truth = processor.look_up(charge_order(attempt))
        settle(attempt_id=attempt.id, truth=truth, cause="notice")
        assert Transfer.objects.count() == before
        attempt.refresh_from_db()
        refund_payment(viewer=world.staff, attempt=attempt, amount=Money(12_000), reason="Twice")
    assert (owed(line), balance(world, AccountKind.CLEARING), balance(world, AccountKind.SUSPENSE)) == (
        12_000,
        0,
        0,
    )


def test_late_money_for_a_service_paid_meanwhile_becomes_credit(world: World, two_step: FakeProcessor) -> None:
    line = make_line(world)
    first = start_payment(viewer=world.viewer, form=make_form(line, card_token=""))
    cancel_attempt(viewer=world.viewer, attempt=first)
    second = start_payment(viewer=world.viewer, form=make_form(line, card_token=""))
    two_step.pay_at_step_two(second.reference)
    settle(attempt_id=second.id, truth=two_step.look_up(charge_order(second)), cause="read")
    two_step.finish(first.reference)
    settle(attempt_id=first.id, truth=two_step.look_up(charge_order(first)), cause="notice")
    assert balance(world, AccountKind.SUSPENSE) == -12_000
    decide(world, Decision.ACCEPT)
    assert Attempt.objects.get(pk=first.pk).state == AttemptState.SUCCEEDED
    assert (owed(line), balance(world, AccountKind.SUSPENSE)) == (0, 0)
    assert (balance(world, AccountKind.CLIENT_CREDIT), balance(world, AccountKind.CLEARING)) == (-12_000, 24_000)


@pytest.mark.parametrize("status", ["declined", "pending"])
def test_without_a_charge_there_is_nothing_to_accept(world: World, processor: FakeProcessor, status: str) -> None:
    attempt = make_given_up(world, processor, make_line(world), status)
    with pytest.raises(UserError) as refusal:
        decide(world, Decision.ACCEPT)
    assert refusal.value.code == "not_acceptable"
    assert Attempt.objects.get(pk=attempt.pk).state == AttemptState.IN_REVIEW
    assert not Transfer.objects.filter(source__startswith="payment:").exists()


def test_a_charge_of_another_order_is_not_accepted(world: World, processor: FakeProcessor) -> None:
    attempt = make_given_up(world, processor, make_line(world), "paid")
    for _ in range(2):
        processor.script("look_up", lambda truth: replace(truth, reference="SOMEBODYELSESORDER00"))
    with pytest.raises(UserError) as refusal:
        decide(world, Decision.ACCEPT)
    assert refusal.value.code == "not_acceptable"
    assert Attempt.objects.get(pk=attempt.pk).state == AttemptState.IN_REVIEW


def refund_there(processor: FakeProcessor, attempt: Attempt, minor: int) -> None:
    refunds = processor.charges[attempt.reference].refunds
    refunds[f"theirs{len(refunds)}"] = Refunded(f"re_{len(refunds)}", Money(minor), Verdict.SUCCEEDED)


def test_a_charge_that_was_refunded_whole_at_the_processor_is_closed_as_unpaid(
    world: World, processor: FakeProcessor
) -> None:
    line = make_line(world)
    attempt = make_given_up(world, processor, line, "paid")
    refund_there(processor, attempt, 12_000)
    with pytest.raises(UserError) as refusal:
        decide(world, Decision.ACCEPT)
    assert refusal.value.code == "partly_returned"
    decide(world, Decision.NOTHING_MOVED)
    assert not Claim.objects.exists()
    for _ in range(2):
        assert Attempt.objects.get(pk=attempt.pk).state == AttemptState.FAILED
        assert balance(world, AccountKind.CLEARING) == balance(world, AccountKind.SUSPENSE) == 0
        assert owed(line) == 12_000
        sweep(attempt.processor_account, clock.now() - timedelta(days=1))


def test_a_charge_that_was_refunded_in_part_waits_until_the_rest_went_back(
    world: World, processor: FakeProcessor
) -> None:
    attempt = make_given_up(world, processor, make_line(world), "paid")
    refund_there(processor, attempt, 5_000)
    for decision, code in ((Decision.ACCEPT, "partly_returned"), (Decision.NOTHING_MOVED, "money_moved")):
        with pytest.raises(UserError) as refusal:
            decide(world, decision)
        assert refusal.value.code == code
        assert Attempt.objects.get(pk=attempt.pk).state == AttemptState.IN_REVIEW
    assert balance(world, AccountKind.SUSPENSE) == -7_000
    refund_there(processor, attempt, 7_000)
    decide(world, Decision.NOTHING_MOVED)
    assert Attempt.objects.get(pk=attempt.pk).state == AttemptState.FAILED
    assert balance(world, AccountKind.SUSPENSE) == 0


def test_a_charge_that_was_lost_in_a_dispute_can_be_closed_as_unpaid(
    world: World, processor: FakeProcessor
) -> None:
    """Half went back by a refund, half by the bank: nothing is left that anybody could refund."""
    line = make_line(world)
    attempt = make_given_up(world, processor, line, "paid")
    refund_there(processor, attempt, 5_000)
    charge = processor.charges[attempt.reference]
    for withheld, status in ((7_000, "open"), (0, "won")):
        charge.disputes = (Disputed("dp_1", Money(7_000), Money(withheld), status),)
        with pytest.raises(UserError) as refusal:
            decide(world, Decision.NOTHING_MOVED)
        assert refusal.value.code == "money_moved"
        assert Attempt.objects.get(pk=attempt.pk).state == AttemptState.IN_REVIEW
    charge.disputes = (Disputed("dp_1", Money(7_000), Money(7_000), "lost"),)
    decide(world, Decision.NOTHING_MOVED)
    for _ in range(2):
        assert Attempt.objects.get(pk=attempt.pk).state == AttemptState.FAILED
        assert not Claim.objects.exists()
        assert balance(world, AccountKind.CLEARING) == balance(world, AccountKind.SUSPENSE) == 0
        assert owed(line) == 12_000
        sweep(attempt.processor_account, clock.now() - timedelta(days=1))


def make_refund_given_up(world: World, processor: FakeProcessor, line: InvoiceLine) -> Refund:
    """Sent, never answered, and for 72 hours no look-up told of it."""
    attempt = start_payment(viewer=world.viewer, form=make_form(line))
    processor.script("refund", lambda made: replace(made, verdict=Verdict.UNKNOWN))
    made = refund_payment(viewer=world.staff, attempt=attempt, amount=Money(12_000), reason="Moved away")
    return give_up_refund(refund_id=made.id)


@pytest.mark.parametrize(
    ("verdict", "state", "still_owed"),
    [
        (Verdict.SUCCEEDED, RefundState.DONE, 12_000),
        (Verdict.PENDING, RefundState.PENDING, 0),
        (Verdict.DECLINED, RefundState.FAILED, 0),
        (None, RefundState.FAILED, 0),
    ],
)
def test_a_refund_given_up_ends_as_the_processor_says_when_a_person_has_it_asked_again(
    world: World, processor: FakeProcessor, verdict: Verdict | None, state: RefundState, still_owed: int
) -> None:
    """Found by the fault simulation: nobody and nothing could end it."""
    line = make_line(world)
    made = make_refund_given_up(world, processor, line)
    refunds = processor.charges[made.attempt.reference].refunds
    if verdict is None:
        del refunds[made.key]
    else:
        refunds[made.key] = replace(refunds[made.key], verdict=verdict)
    with clock.set_to(clock.now() + timedelta(hours=73)):
        review = decide(world, Decision.ASK_AGAIN)
    made.refresh_from_db()
    assert (made.state, owed(line)) == (state, still_owed)
    assert (review.kind, review.closing_note) == ("refund_given_up", "Asked the processor.")
    assert list_decisions(review) == ()


def test_a_refund_of_which_nothing_is_known_stays_before_a_person(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    made = make_refund_given_up(world, processor, line)
    refunds = processor.charges[made.attempt.reference].refunds
    refunds[made.key] = replace(refunds[made.key], verdict=Verdict.UNKNOWN)
    review = Review.objects.get()
    assert list_decisions(review) == (Decision.ASK_AGAIN,)
    with pytest.raises(UserError) as unknown:
        decide(world, Decision.ASK_AGAIN)
    with pytest.raises(UserError) as unsettled:
        close_review(viewer=world.staff, review=review, note="Enough of it.")
    assert (unknown.value.code, unsettled.value.code) == ("refund_still_unknown", "refund_in_review")
    made.refresh_from_db()
    review.refresh_from_db()
    assert (made.state, review.closed_at, owed(line)) == (RefundState.IN_REVIEW, None, 0)


def test_a_settled_payment_offers_no_decision(world: World, processor: FakeProcessor) -> None:
    attempt = start_payment(viewer=world.viewer, form=make_form(make_line(world)))
    review = Review.objects.create(
        practice=world.practice, attempt=attempt, kind="surplus", dedupe="surplus:1", currency="USD",
        opened_at=clock.now(),
    )  # fmt: skip
    assert list_decisions(review) == ()
    for decision in Decision:
        with pytest.raises(UserError) as refusal:
            decide(world, decision)
        assert refusal.value.code == "not_decidable"


def test_only_who_may_refund_may_decide_and_only_with_a_note(world: World, processor: FakeProcessor) -> None:
    make_given_up(world, processor, make_line(world), "declined")
    review, asked = Review.objects.get(), processor.count("look_up")
    for role in (Role.CLINICIAN, Role.FRONT_DESK, Role.READ_ONLY):
        with pytest.raises(NotAllowed):
            decide_review(
                viewer=replace(world.staff, role=role), review=review, decision=Decision.NOTHING_MOVED, note="x"
            )
    with pytest.raises(NotFoundForViewer):
        decide_review(viewer=make_world("Hillside").staff, review=review, decision=Decision.NOTHING_MOVED, note="x")
    with pytest.raises(UserError, match="Write down"):
        decide(world, Decision.NOTHING_MOVED, note=" ")
    assert (processor.count("look_up"), Review.objects.get().closed_at) == (asked, None)
