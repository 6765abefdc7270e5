from __future__ import annotations

from datetime import timedelta

import pytest

from paywell.core import clock
from paywell.payments.actions import start_payment
from paywell.payments.models import Attempt, AttemptEvent, AttemptState, Review, StoredNotice
from paywell.payments.noticing import settle_due_notices, settle_stored_notice
from paywell.payments.tests.checks import owed
from paywell.payments.tests.factories import World, make_form, make_line, make_world
from paywell.payments.tests.fake_processor import FakeProcessor


def store(world: World, **changes: object) -> StoredNotice:
    said: dict[str, object] = {
        "practice": world.practice, "processor_account": world.processor_account, "event_id": "evt_1",
        "received_at": clock.now(),
    }  # fmt: skip
    return StoredNotice.objects.create(**(said | changes))


@pytest.fixture
def pending(world: World, processor: FakeProcessor) -> Attempt:
    processor.behavior = "late"
    attempt = start_payment(viewer=world.viewer, form=make_form(make_line(world)))
    assert attempt.state == AttemptState.PROCESSING
    processor.finish(attempt.reference)
    return attempt


@pytest.mark.parametrize("named_by", ["reference", "charge_ref"])
def test_a_notice_makes_the_truth_be_looked_up(pending: Attempt, world: World, named_by: str) -> None:
    named = {"reference": pending.reference} if named_by == "reference" else {"charge_ref": pending.processor_ref}
    notice = store(world, **named)
    settle_stored_notice(notice.id)
    pending.refresh_from_db()
    notice.refresh_from_db()
    assert pending.state == AttemptState.SUCCEEDED
    assert notice.done_at is not None
    assert AttemptEvent.objects.filter(attempt=pending, cause="notice").count() == 1


def test_f51_what_a_notice_says_is_not_believed(world: World, processor: FakeProcessor) -> None:
    """It tells of a success, and the charge is declined over there."""
    processor.behavior = "late"
    line = make_line(world)
    attempt = start_payment(viewer=world.viewer, form=make_form(line))
    processor.finish(attempt.reference, "declined")
    settle_stored_notice(store(world, reference=attempt.reference, kind="charge.succeeded").id)
    attempt.refresh_from_db()
    assert (attempt.state, owed(line)) == (AttemptState.DECLINED, 12000)


def test_a_notice_that_is_done_asks_nothing_more(pending: Attempt, world: World, processor: FakeProcessor) -> None:
    notice = store(world, reference=pending.reference)
    settle_stored_notice(notice.id)
    asked = processor.count("look_up")
    settle_stored_notice(notice.id)
    assert processor.count("look_up") == asked


def test_a_notice_of_another_practice_s_processor_account_touches_nothing(pending: Attempt) -> None:
    settle_stored_notice(store(make_world("Hillside"), reference=pending.reference).id)
    pending.refresh_from_db()
    assert pending.state == AttemptState.PROCESSING


def test_f50_an_unknown_charge_is_tried_again_and_lands_before_a_person_after_15_minutes(world: World) -> None:
    notice = store(world, charge_ref="ch_unknown")
    for _ in range(30):  # two workers, each minute: waiting uses up no tries, found by the fault simulation
        settle_stored_notice(notice.id)
    notice.refresh_from_db()
    assert (notice.done_at, notice.tries) == (None, 0)
    with clock.set_to(notice.received_at + timedelta(minutes=14)):
        assert settle_due_notices() == 1
    assert not Review.objects.exists()
    with clock.set_to(notice.received_at + timedelta(minutes=15)):
        assert settle_due_notices() == 1
        assert settle_due_notices() == 0
    notice.refresh_from_db()
    assert notice.done_at is not None
    assert Review.objects.get().kind == "notice_of_unknown_charge"


def test_a_notice_whose_job_was_lost_is_taken_up(pending: Attempt, world: World) -> None:
    notice = store(world, reference=pending.reference)
    assert settle_due_notices() == 0
    with clock.set_to(notice.received_at + timedelta(minutes=2)):
        assert settle_due_notices() == 1
    pending.refresh_from_db()
    assert pending.state == AttemptState.SUCCEEDED
