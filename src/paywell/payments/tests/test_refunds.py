from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import OperationalError, transaction

from paywell.accounts.models import Role
from paywell.accounts.types import StaffViewer
from paywell.core import clock
from paywell.core.errors import NotAllowed, NotFoundForViewer, UserError
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.actions import Line, Posting, Side, post
from paywell.ledger.books import find_drift
from paywell.ledger.models import AccountKind
from paywell.outbox.models import OutboxEvent
from paywell.payments.actions import refund_payment, start_payment
from paywell.payments.models import Attempt, Dispute, Origin, Refund, RefundState, Review
from paywell.payments.orders import charge_order
from paywell.payments.reconcile import reconcile_due
from paywell.payments.refund_machine import RefundSaid
from paywell.payments.settle import settle
from paywell.payments.settle_refunds import give_up_refund, settle_refund
from paywell.payments.tests.checks import balance, owed
from paywell.payments.tests.factories import World, make_form, make_line, make_world
from paywell.payments.tests.fake_processor import FakeProcessor
from paywell.processors.contract import Capability, Disputed, Refunded, Verdict


def pay(world: World, *lines: object) -> Attempt:
    return start_payment(viewer=world.viewer, form=make_form(*lines))  # type: ignore[arg-type]


def refund(world: World, attempt: Attempt, minor: int) -> Refund:
    return refund_payment(viewer=world.staff, attempt=attempt, amount=Money(minor), reason="Session canceled")


def use_credit(world: World, line: InvoiceLine, minor: int) -> None:
    with transaction.atomic():
        post(
            practice_id=world.practice.id, book_owner_id=world.account.id, source=f"credit:{new_id()}",
            postings=[Posting(
                debit=Side(AccountKind.CLIENT_CREDIT, world.account.id),
                credit=Side(AccountKind.RECEIVABLE, world.account.id),
                money=Money(minor), line=Line(line.id),
            )],
            actor_id=None,
        )  # fmt: skip


def sweep_in(attempt: Attempt, processor: FakeProcessor) -> Attempt:
    return settle(attempt_id=attempt.id, truth=processor.look_up(charge_order(attempt)), cause="sweep")


def test_a_refund_in_full_makes_the_service_owed_again(world: World, processor: FakeProcessor) -> None:
    line = make_line(world, 12000)
    attempt = pay(world, line)
    made = refund(world, attempt, 12000)
    assert (made.state, made.origin, made.actor_id) == (RefundState.DONE, Origin.HERE, world.staff.id)
    assert owed(line) == 12000
    assert balance(world, AccountKind.CLEARING) == 0
    assert Attempt.objects.get().refunded_minor == 12000
    assert OutboxEvent.objects.filter(kind="payments.refund_done").count() == 1
    assert find_drift(world.practice.id) == {}


def test_a_refund_in_part_is_taken_from_the_latest_service_first(world: World, processor: FakeProcessor) -> None:
    first, second = make_line(world, 10000), make_line(world, 4000)
    attempt = pay(world, first, second)
    refund(world, attempt, 5000)
    assert (owed(first), owed(second)) == (1000, 4000)
    refund(world, attempt, 5000)
    assert (owed(first), owed(second)) == (6000, 4000)


def test_f29_two_refunds_of_the_same_amount_are_two(world: World, processor: FakeProcessor) -> None:
    attempt = pay(world, make_line(world, 12000))
    one, other = refund(world, attempt, 3000), refund(world, attempt, 3000)
    assert one.key != other.key
    assert Attempt.objects.get().refunded_minor == 6000


def test_refunds_never_exceed_what_was_captured(world: World, processor: FakeProcessor) -> None:
    attempt = pay(world, make_line(world, 12000))
    refund(world, attempt, 8000)
    with pytest.raises(UserError) as refusal:
        refund(world, attempt, 4001)
    assert (refusal.value.code, refusal.value.message) == ("refund_above_captured", "Refund at most $40.00.")
    assert processor.count("refund") == 1
    assert Refund.objects.count() == 1


def test_f27_two_members_of_staff_at_once_refund_no_more_than_there_is(
    world: World, processor: FakeProcessor
) -> None:
    attempt = pay(world, make_line(world, 12000))
    codes: list[str] = []

    def other() -> None:
        with pytest.raises(UserError) as refusal:
            refund(world, attempt, 8000)
        codes.append(refusal.value.code)

    processor.before["refund"] = other
    refund(world, attempt, 8000)
    assert codes == ["refund_above_captured"]


@pytest.mark.parametrize("minor", [0, -1])
def test_a_refund_is_more_than_zero(world: World, processor: FakeProcessor, minor: int) -> None:
    attempt = pay(world, make_line(world))
    with pytest.raises(UserError) as refusal:
        refund(world, attempt, minor)
    assert refusal.value.code == "amount_zero"


def test_f28_what_is_not_paid_is_not_refunded(world: World, processor: FakeProcessor) -> None:
    processor.behavior = "late"
    attempt = pay(world, make_line(world))
    with pytest.raises(UserError) as refusal:
        refund(world, attempt, 100)
    assert refusal.value.code == "not_refundable"
    assert not Refund.objects.exists()


def test_only_who_may_refund_refunds_and_only_in_their_practice(world: World, processor: FakeProcessor) -> None:
    attempt = pay(world, make_line(world))
    clinician = StaffViewer(world.staff.id, world.practice, Role.CLINICIAN)
    with pytest.raises(NotAllowed):
        refund_payment(viewer=clinician, attempt=attempt, amount=Money(100), reason="")
    with pytest.raises(NotFoundForViewer):
        refund_payment(viewer=make_world("Hillside").staff, attempt=attempt, amount=Money(100), reason="")
    assert not Refund.objects.exists()


def test_part_of_an_unsettled_payment_is_refunded_only_where_the_processor_can(
    world: World, processor: FakeProcessor
) -> None:
    processor.capabilities = processor.capabilities - {Capability.PARTIAL_REFUND_BEFORE_SETTLEMENT}  # type: ignore[misc]
    attempt = pay(world, make_line(world))
    with pytest.raises(UserError) as refusal:
        refund(world, attempt, 100)
    assert refusal.value.code == "not_refundable"
    with clock.set_to(clock.now() + timedelta(hours=25)):
        assert refund(world, attempt, 100).state == RefundState.DONE


def test_a_refund_without_an_answer_counts_and_is_looked_up(world: World, processor: FakeProcessor) -> None:
    line = make_line(world, 12000)
    attempt = pay(world, line)
    processor.script("refund", lambda made: replace(made, verdict=Verdict.UNKNOWN))
    assert refund(world, attempt, 8000).state == RefundState.SENDING
    with pytest.raises(UserError):
        refund(world, attempt, 8000)
    with clock.set_to(clock.now() + timedelta(minutes=2)):
        reconcile_due()
        reconcile_due()
    assert Refund.objects.get().state == RefundState.DONE
    assert owed(line) == 8000
    assert processor.count("refund") == 1


def test_a_refused_refund_frees_its_amount(world: World, processor: FakeProcessor) -> None:
    attempt = pay(world, make_line(world, 12000))
    processor.script("refund", lambda made: replace(made, verdict=Verdict.DECLINED))
    assert refund(world, attempt, 12000).state == RefundState.FAILED
    assert Review.objects.get().kind == "refund_failed"
    assert refund(world, attempt, 12000).state == RefundState.DONE


def test_f30_a_refund_made_at_the_processor_is_booked_once(world: World, processor: FakeProcessor) -> None:
    line = make_line(world, 12000)
    attempt = pay(world, line)
    charge = processor.charges[attempt.reference]
    charge.refunds["theirs"] = Refunded("re_theirs", Money(2000), Verdict.SUCCEEDED)
    for _ in range(3):
        sweep_in(attempt, processor)
    made = Refund.objects.get()
    assert (made.origin, made.state, made.amount_minor) == (Origin.AT_PROCESSOR, RefundState.DONE, 2000)
    assert owed(line) == 2000
    assert balance(world, AccountKind.CLEARING) == 10000


def test_a_refund_at_the_processor_of_credit_that_was_used_already_asks_a_person(
    world: World, processor: FakeProcessor
) -> None:
    line = make_line(world, 12000)
    processor.script("look_up", lambda truth: replace(truth, money=Money(15000)))
    attempt = pay(world, line)
    Review.objects.all().delete()
    use_credit(world, make_line(world, 2000), 2000)
    assert balance(world, AccountKind.CLIENT_CREDIT) == -1000
    processor.script("look_up", lambda truth: replace(truth, money=Money(15000)))
    charge = processor.charges[attempt.reference]
    charge.refunds["theirs"] = Refunded("re_theirs", Money(3000), Verdict.SUCCEEDED)
    for _ in range(2):
        sweep_in(attempt, processor)
    assert balance(world, AccountKind.CLIENT_CREDIT) == 2000
    review = Review.objects.get(kind="credit_below_zero")
    assert (review.amount_minor, review.attempt_id, review.closed_at) == (2000, attempt.id, None)


def test_f31_news_of_our_own_refund_before_its_answer_books_it_once(world: World, processor: FakeProcessor) -> None:
    line = make_line(world, 12000)
    attempt = pay(world, line)

    def notice(made: Refunded) -> Refunded:
        sweep_in(attempt, processor)
        return made

    processor.script("refund", notice)  # type: ignore[arg-type]
    refund(world, attempt, 5000)
    assert Refund.objects.count() == 1
    assert owed(line) == 5000


def test_f32_a_refund_that_fails_late_is_reversed_by_new_transfers(world: World, processor: FakeProcessor) -> None:
    first, second = make_line(world, 10000), make_line(world, 4000)
    attempt = pay(world, first, second)
    made = refund(world, attempt, 6000)
    charge = processor.charges[attempt.reference]
    charge.refunds[made.key] = replace(charge.refunds[made.key], verdict=Verdict.DECLINED)
    for _ in range(2):
        sweep_in(attempt, processor)
    made.refresh_from_db()
    assert made.state == RefundState.FAILED_LATE
    assert (owed(first), owed(second)) == (0, 0)
    assert balance(world, AccountKind.CLEARING) == 14000
    assert Attempt.objects.get().refunded_minor == 0
    assert Review.objects.get().kind == "refund_failed_late"
    refund(world, attempt, 14000)
    assert (owed(first), owed(second)) == (10000, 4000)


def test_the_answer_to_our_own_refund_heard_after_it_came_back_asks_nobody_and_a_look_up_does(
    world: World, processor: FakeProcessor
) -> None:
    """Found by the fault simulation: the refund stood in review for ever, and nothing could take it out."""
    attempt = pay(world, make_line(world, 10000))
    made = refund(world, attempt, 6000)
    charge = processor.charges[attempt.reference]
    done = charge.refunds[made.key]
    charge.refunds[made.key] = replace(done, verdict=Verdict.DECLINED)
    sweep_in(attempt, processor)
    for said, kinds in (
        (RefundSaid.REFUND, ["refund_failed_late"]),
        (RefundSaid.LOOK_UP, ["refund_contradiction", "refund_failed_late"]),
    ):
        settled = settle_refund(refund_id=made.id, told=done, said=said)
        assert settled.state == RefundState.FAILED_LATE
        assert sorted(Review.objects.values_list("kind", flat=True)) == kinds
        assert balance(world, AccountKind.CLEARING) == 10000


def test_a_refund_given_up_is_booked_once_the_processor_tells_of_it(world: World, processor: FakeProcessor) -> None:
    line = make_line(world, 12000)
    attempt = pay(world, line)
    processor.script("refund", lambda made: replace(made, verdict=Verdict.UNKNOWN))
    made = refund(world, attempt, 8000)
    assert give_up_refund(refund_id=made.id).state == RefundState.IN_REVIEW
    for _ in range(2):
        sweep_in(attempt, processor)
    made.refresh_from_db()
    assert (made.state, owed(line), balance(world, AccountKind.CLEARING)) == (RefundState.DONE, 8000, 4000)


def tell_dispute(processor: FakeProcessor, attempt: Attempt, status: str, withheld: int) -> None:
    processor.charges[attempt.reference].disputes = (Disputed("dp_1", Money(12000), Money(withheld), status),)
    sweep_in(attempt, processor)


def test_f46_a_dispute_follows_what_is_withheld_now_in_any_order(world: World, processor: FakeProcessor) -> None:
    attempt = pay(world, make_line(world, 12000))
    for status, withheld, disputed in (
        ("open", 12000, True),
        ("open", 12000, True),
        ("won", 0, False),
        ("lost", 12000, True),
        ("won", 0, False),
    ):
        tell_dispute(processor, attempt, status, withheld)
        assert balance(world, AccountKind.DISPUTES) == withheld
        assert balance(world, AccountKind.CLEARING) == 12000 - withheld
        assert Attempt.objects.get().disputed is disputed
    assert Dispute.objects.count() == 1
    assert {review.kind for review in Review.objects.all()} == {"dispute_open", "dispute_won", "dispute_lost"}


def test_a_payment_in_dispute_is_not_refunded(world: World, processor: FakeProcessor) -> None:
    attempt = pay(world, make_line(world, 12000))
    tell_dispute(processor, attempt, "open", 12000)
    with pytest.raises(UserError) as refusal:
        refund(world, attempt, 100)
    assert refusal.value.code == "not_refundable"
    assert processor.count("refund") == 0


def test_f27_the_same_refund_form_sent_twice_is_one_refund(world: World, processor: FakeProcessor) -> None:
    attempt = start_payment(viewer=world.viewer, form=make_form(make_line(world)))
    said = {"viewer": world.staff, "attempt": attempt, "reason": "x", "refund_id": new_id()}
    first = refund_payment(amount=Money(6000), **said)  # type: ignore[arg-type]
    again = refund_payment(amount=Money(6000), **said)  # type: ignore[arg-type]
    assert first.id == again.id == said["refund_id"]
    assert processor.count("refund") == 1
    with pytest.raises(UserError) as refusal:
        refund_payment(amount=Money(5000), **said)  # type: ignore[arg-type]
    assert refusal.value.code == "refund_form_reused"
    assert Refund.objects.count() == 1


def test_f29_a_second_refund_of_the_same_amount_is_a_refund_of_its_own(
    world: World, processor: FakeProcessor
) -> None:
    attempt = start_payment(viewer=world.viewer, form=make_form(make_line(world)))
    for _ in range(2):
        refund_payment(viewer=world.staff, attempt=attempt, amount=Money(6000), reason="x", refund_id=new_id())
    assert Refund.objects.filter(state=RefundState.DONE).count() == 2
    assert balance(world, AccountKind.CLEARING) == 0


def test_f62_a_refund_that_the_busy_database_could_not_settle_is_on_its_way(
    world: World, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = start_payment(viewer=world.viewer, form=make_form(make_line(world)))

    def busy(**_: object) -> None:
        cause = sqlite3.OperationalError("database is locked")
        cause.sqlite_errorname = "SQLITE_BUSY"  # type: ignore[attr-defined]
        raise OperationalError("database is locked") from cause

    with monkeypatch.context() as patched:
        patched.setattr("paywell.payments.refunds.settle_refund", busy)
        refund = refund_payment(viewer=world.staff, attempt=attempt, amount=Money(6000), reason="x")
    assert refund.state == RefundState.SENDING
    with clock.set_to(clock.now() + timedelta(minutes=2)):
        reconcile_due()
    refund.refresh_from_db()
    assert refund.state == RefundState.DONE
    assert processor.count("refund") == 1


def test_f30_what_was_refunded_at_the_processor_counts_before_any_notice_of_it(
    world: World, processor: FakeProcessor
) -> None:
    line = make_line(world, 12000)
    attempt = pay(world, line)
    charge = processor.charges[attempt.reference]
    charge.refunds["theirs"] = Refunded("re_theirs", Money(7000), Verdict.SUCCEEDED)
    with pytest.raises(UserError) as refusal:
        refund(world, attempt, 5001)
    assert (refusal.value.code, refusal.value.message) == ("refund_above_captured", "Refund at most $50.00.")
    assert processor.count("refund") == 0
    assert [made.origin for made in Refund.objects.all()] == [Origin.AT_PROCESSOR]
    assert owed(line) == 7000
    assert refund(world, attempt, 5000).state == RefundState.DONE
    assert owed(line) == 12000


def test_nothing_is_refunded_while_the_processor_cant_tell_what_was_refunded_there(
    world: World, processor: FakeProcessor
) -> None:
    attempt = pay(world, make_line(world, 12000))
    processor.lose("look_up")
    with pytest.raises(UserError) as refusal:
        refund(world, attempt, 5000)
    assert refusal.value.code == "refund_not_heard"
    assert processor.count("refund") == 0
    assert not Refund.objects.exists()
    assert refund(world, attempt, 5000).state == RefundState.DONE


def test_a_refund_that_is_refused_here_asks_the_processor_nothing(world: World, processor: FakeProcessor) -> None:
    attempt = pay(world, make_line(world, 12000))
    before = list(processor.calls)
    with pytest.raises(UserError):
        refund(world, attempt, 12001)
    assert processor.calls == before


def test_the_same_refund_form_sent_again_asks_the_processor_nothing(world: World, processor: FakeProcessor) -> None:
    attempt, refund_id = pay(world, make_line(world, 12000)), new_id()
    asked = {"viewer": world.staff, "attempt": attempt, "amount": Money(5000), "reason": "", "refund_id": refund_id}
    once = refund_payment(**asked)  # type: ignore[arg-type]
    before = list(processor.calls)
    assert refund_payment(**asked).pk == once.pk  # type: ignore[arg-type]
    assert processor.calls == before
