"""Faults of the catalogue that belong to no other file of this room."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from paywell.care.models import Service
from paywell.core import clock
from paywell.invoicing.models import Invoice, InvoiceLine
from paywell.outbox.models import OutboxEvent
from paywell.payments.actions import check_attempt, return_from_processor, start_payment
from paywell.payments.forms import FORM_VALID
from paywell.payments.models import Attempt, AttemptState, Claim, StoredNotice
from paywell.payments.noticing import settle_due_notices, settle_stored_notice
from paywell.payments.orders import sign_return
from paywell.payments.reconcile import reconcile_due
from paywell.payments.tests.checks import owed
from paywell.payments.tests.factories import World, make_form, make_line
from paywell.payments.tests.fake_processor import FakeProcessor
from paywell.processors.contract import ChargeOrder, Outcome


def ring(world: World, attempt: Attempt) -> StoredNotice:
    return StoredNotice.objects.create(
        practice=world.practice, processor_account=world.processor_account, event_id="evt_1",
        reference=attempt.reference, received_at=clock.now(),
    )  # fmt: skip


@pytest.mark.parametrize("model", [Service, Invoice, InvoiceLine])
def test_f25_nothing_says_paid_but_the_ledger(model: type) -> None:
    """There is no column that a form's default could set back to unpaid."""
    names = {field.name for field in model._meta.get_fields()}  # type: ignore[attr-defined]
    assert not {name for name in names if "status" in name or "paid" in name or "balance" in name}


def test_f42_a_call_that_is_made_again_carries_the_same_key(
    world: World, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[ChargeOrder] = []
    real_open = processor.open

    def open_(order: ChargeOrder) -> Outcome:
        orders.append(order)
        if len(orders) == 1:
            raise KeyboardInterrupt  # the worker dies
        return real_open(order)

    monkeypatch.setattr(processor, "open", open_)
    form = make_form(make_line(world))
    with pytest.raises(KeyboardInterrupt):
        start_payment(viewer=world.viewer, form=form)
    with clock.set_to(clock.now() + timedelta(minutes=2)):
        assert start_payment(viewer=world.viewer, form=form).state == AttemptState.SUCCEEDED
    first, again = orders
    assert (first.reference, first.open_key, first.submit_key, first.memo) == (
        again.reference, again.open_key, again.submit_key, again.memo,
    )  # fmt: skip
    assert first.open_key != first.submit_key


def test_f40_no_form_lives_as_long_as_a_processor_remembers_its_key() -> None:
    assert timedelta(hours=23) > FORM_VALID


@pytest.mark.parametrize("state", ["declined", "canceled"])
def test_f43_what_lapsed_at_the_processor_is_not_paid_and_the_service_is_open_again(
    state: str, world: World, processor: FakeProcessor
) -> None:
    processor.behavior = "late"
    line = make_line(world)
    attempt = start_payment(viewer=world.viewer, form=make_form(line))
    processor.finish(attempt.reference, state)
    with clock.set_to(clock.now() + timedelta(days=2)):
        reconcile_due()
    assert Attempt.objects.get().state == state
    assert (owed(line), processor.taken) == (12000, 0)
    assert not Claim.objects.exists()


def test_f49_a_notice_before_the_payer_is_back_makes_one_payment_and_one_receipt(
    world: World, two_step: FakeProcessor
) -> None:
    line = make_line(world)
    attempt = start_payment(viewer=world.viewer, form=make_form(line))
    two_step.pay_at_step_two(attempt.reference)
    settle_stored_notice(ring(world, attempt).id)
    returned = return_from_processor(attempt_id=attempt.id, signature=sign_return(attempt))
    assert check_attempt(attempt=returned).state == AttemptState.SUCCEEDED
    assert OutboxEvent.objects.filter(kind="payments.payment_succeeded").count() == 1
    assert (owed(line), two_step.taken) == (0, 12000)


def test_f53_a_notice_is_done_only_after_what_it_was_for(
    world: World, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor.behavior = "late"
    attempt = start_payment(viewer=world.viewer, form=make_form(make_line(world)))
    processor.finish(attempt.reference)
    notice = ring(world, attempt)

    def fail(**_: object) -> None:
        raise RuntimeError("the database is gone")

    with monkeypatch.context() as broken:
        broken.setattr("paywell.payments.noticing.settle", fail)
        with pytest.raises(RuntimeError):
            settle_stored_notice(notice.id)
    notice.refresh_from_db()
    assert notice.done_at is None
    with clock.set_to(clock.now() + timedelta(minutes=2)):
        settle_due_notices()
    notice.refresh_from_db()
    assert notice.done_at is not None
    assert Attempt.objects.get().state == AttemptState.SUCCEEDED


def test_look_ups_come_on_a_growing_schedule_and_end_before_a_person_after_72_hours(
    world: World, processor: FakeProcessor
) -> None:
    processor.behavior = "late"
    start_payment(viewer=world.viewer, form=make_form(make_line(world)))
    began, looked, before = clock.now(), [], processor.count("look_up")
    for minute in range(1, 75 * 60):
        with clock.set_to(began + timedelta(minutes=minute, seconds=1)):
            if reconcile_due() and processor.count("look_up") > before:
                looked.append(minute)
                before = processor.count("look_up")
    assert looked[:7] == [1, 3, 5, 15, 60, 120, 180]
    assert {after - earlier for earlier, after in pairwise(looked[4:])} == {60}
    assert looked[-1] == 71 * 60
    assert Attempt.objects.get().state == AttemptState.IN_REVIEW


def test_what_never_came_there_is_closed_a_quarter_of_an_hour_after_it_was_sent(
    world: World, processor: FakeProcessor
) -> None:
    """The look-up that may believe "there is no such charge" comes when it may, not at some later turn."""
    processor.lose("submit")
    processor.lose("look_up")
    line = make_line(world)
    start_payment(viewer=world.viewer, form=make_form(line))
    processor.charges.clear()  # the request was lost on its way
    began = clock.now()
    for minute in range(1, 16):
        assert Attempt.objects.get().state == AttemptState.UNKNOWN
        with clock.set_to(began + timedelta(minutes=minute, seconds=1)):
            reconcile_due()
    assert Attempt.objects.get().state == AttemptState.FAILED
    assert owed(line) == 12000


def test_after_an_outage_more_than_one_batch_is_looked_up_at_once(
    world: World, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from paywell.payments import jobs

    monkeypatch.setattr(jobs, "BATCH", 2)
    processor.behavior = "late"
    for _ in range(5):
        attempt = start_payment(viewer=world.viewer, form=make_form(make_line(world)))
        processor.finish(attempt.reference)
    with clock.set_to(clock.now() + timedelta(minutes=2)):
        jobs.reconcile.call()
    assert set(Attempt.objects.values_list("state", flat=True)) == {AttemptState.SUCCEEDED}
