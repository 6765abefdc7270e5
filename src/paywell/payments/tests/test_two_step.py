from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from paywell.core import clock
from paywell.core.errors import NotFoundForViewer, UserError
from paywell.core.money import Money
from paywell.payments.actions import (
    cancel_attempt,
    check_attempt,
    new_form_id,
    read_form_id,
    return_from_processor,
    start_payment,
)
from paywell.payments.models import Attempt, AttemptState, Claim, SavedCard
from paywell.payments.orders import charge_order
from paywell.payments.reconcile import reconcile_due
from paywell.payments.tests.checks import owed
from paywell.payments.tests.factories import World, make_form, make_line, make_viewer, make_world
from paywell.payments.tests.fake_processor import FakeProcessor
from paywell.processors.contract import Outcome, Verdict


def start(world: World, *lines: object, **changes: object) -> Attempt:
    form = make_form(*lines, card_token="", **changes)  # type: ignore[arg-type]
    return start_payment(viewer=world.viewer, form=form)


def signature_of(attempt: Attempt) -> str:
    return urlsplit(charge_order(attempt).return_url).path.split("/")[4]


def test_step_one_leads_to_the_processor_s_page(world: World, two_step: FakeProcessor) -> None:
    attempt = start(world, make_line(world))
    assert attempt.state == AttemptState.AWAITING_ACTION
    assert attempt.step_url == "https://pay.example.org/ch_1"
    assert two_step.calls == ["open"]
    assert two_step.taken == 0


def test_f11_the_way_back_needs_no_session_and_the_page_then_shows_the_truth(
    world: World, two_step: FakeProcessor
) -> None:
    line = make_line(world)
    attempt = start(world, line)
    two_step.pay_at_step_two(attempt.reference)
    returned = return_from_processor(attempt_id=attempt.id, signature=signature_of(attempt))
    assert returned.state == AttemptState.AWAITING_ACTION
    assert two_step.calls == ["open"]
    paid = check_attempt(attempt=returned)
    assert (paid.state, paid.step_url) == (AttemptState.SUCCEEDED, "")
    assert owed(line) == 0


def test_a_look_a_moment_before_the_return_does_not_hide_the_truth_after_it(
    world: World, two_step: FakeProcessor
) -> None:
    attempt = check_attempt(attempt=start(world, make_line(world)))
    assert attempt.state == AttemptState.AWAITING_ACTION
    two_step.pay_at_step_two(attempt.reference)
    assert check_attempt(attempt=attempt).state == AttemptState.AWAITING_ACTION
    returned = return_from_processor(attempt_id=attempt.id, signature=signature_of(attempt))
    assert check_attempt(attempt=returned).state == AttemptState.SUCCEEDED


def test_f06_returning_twice_stores_the_hint_once(world: World, two_step: FakeProcessor) -> None:
    attempt = start(world, make_line(world))
    signature = signature_of(attempt)
    return_from_processor(attempt_id=attempt.id, signature=signature)
    first = Attempt.objects.get().returned_at
    with clock.set_to(clock.now() + timedelta(minutes=1)):
        return_from_processor(attempt_id=attempt.id, signature=signature)
    assert Attempt.objects.get().returned_at == first


@pytest.mark.parametrize("signature", ["", "x" * 43, "ü"])
def test_a_forged_return_finds_nothing(world: World, two_step: FakeProcessor, signature: str) -> None:
    attempt = start(world, make_line(world))
    with pytest.raises(NotFoundForViewer):
        return_from_processor(attempt_id=attempt.id, signature=signature)
    assert Attempt.objects.get().returned_at is None


def test_another_attempt_s_signature_finds_nothing(world: World, two_step: FakeProcessor) -> None:
    one, other = start(world, make_line(world)), start(world, make_line(world))
    with pytest.raises(NotFoundForViewer):
        return_from_processor(attempt_id=one.id, signature=signature_of(other))


def test_f07_a_payer_who_never_comes_back_has_paid_all_the_same(world: World, two_step: FakeProcessor) -> None:
    line = make_line(world)
    attempt = start(world, line)
    two_step.pay_at_step_two(attempt.reference)
    with clock.set_to(clock.now() + timedelta(minutes=2)):
        assert reconcile_due() == 1
    assert Attempt.objects.get().state == AttemptState.SUCCEEDED
    assert owed(line) == 0


def test_f09_an_abandoned_step_is_fenced_at_its_deadline(world: World, two_step: FakeProcessor) -> None:
    line = make_line(world)
    attempt = start(world, line)
    with clock.set_to(clock.now() + timedelta(minutes=31)):
        reconcile_due()
    assert Attempt.objects.get().state == AttemptState.EXPIRED
    assert not Claim.objects.exists()
    two_step.pay_at_step_two(attempt.reference)
    assert two_step.taken == 0


def test_a_payment_made_just_before_the_deadline_counts(world: World, two_step: FakeProcessor) -> None:
    attempt = start(world, make_line(world))
    two_step.pay_at_step_two(attempt.reference)
    with clock.set_to(clock.now() + timedelta(minutes=31)):
        reconcile_due()
    assert Attempt.objects.get().state == AttemptState.SUCCEEDED


def test_f05_a_newer_attempt_fences_the_older_one_first(world: World, two_step: FakeProcessor) -> None:
    line = make_line(world)
    older = start(world, line)
    newer = start(world, line, amount=Money(5000))
    older.refresh_from_db()
    assert (older.state, newer.state) == (AttemptState.CANCELED, AttemptState.AWAITING_ACTION)
    two_step.pay_at_step_two(older.reference)
    two_step.pay_at_step_two(newer.reference)
    assert two_step.taken == 5000


def test_a_newer_attempt_does_not_replace_one_that_was_paid_meanwhile(
    world: World, two_step: FakeProcessor
) -> None:
    line = make_line(world)
    older = start(world, line)
    two_step.pay_at_step_two(older.reference)
    with pytest.raises(UserError) as refusal:
        start(world, line)
    assert refusal.value.code == "being_paid"
    older.refresh_from_db()
    assert older.state == AttemptState.SUCCEEDED
    assert owed(line) == 0
    assert two_step.taken == 12000


def test_a_newer_attempt_waits_where_the_fence_has_no_answer(world: World, two_step: FakeProcessor) -> None:
    line = make_line(world)
    older = start(world, line)
    two_step.lose("cancel")
    two_step.lose("look_up")
    with pytest.raises(UserError) as refusal:
        start(world, line)
    assert refusal.value.code == "being_paid"
    older.refresh_from_db()
    assert older.state == AttemptState.AWAITING_ACTION
    assert Attempt.objects.count() == 1


def test_f23_canceling_is_a_fence_at_the_processor(world: World, two_step: FakeProcessor) -> None:
    attempt = start(world, make_line(world))
    canceled = cancel_attempt(viewer=world.viewer, attempt=attempt)
    assert canceled.state == AttemptState.CANCELED
    two_step.pay_at_step_two(attempt.reference)
    assert two_step.taken == 0


def test_canceling_too_late_finds_the_payment(world: World, two_step: FakeProcessor) -> None:
    attempt = start(world, make_line(world))
    two_step.pay_at_step_two(attempt.reference)
    assert cancel_attempt(viewer=world.viewer, attempt=attempt).state == AttemptState.SUCCEEDED
    with pytest.raises(UserError) as refusal:
        cancel_attempt(viewer=world.viewer, attempt=Attempt.objects.get())
    assert refusal.value.code == "too_late"


def test_canceling_another_s_attempt_finds_nothing(world: World, two_step: FakeProcessor) -> None:
    attempt = start(world, make_line(world))
    with pytest.raises(NotFoundForViewer):
        cancel_attempt(viewer=make_world("Hillside").viewer, attempt=attempt)
    assert two_step.count("cancel") == 0


def test_a_card_kept_on_the_processor_s_page_is_kept_here(world: World, two_step: FakeProcessor) -> None:
    attempt = start(world, make_line(world))
    two_step.pay_at_step_two(attempt.reference, save=True)
    check_attempt(attempt=attempt)
    assert SavedCard.objects.get().contact == world.contact


def test_somebody_watching_asks_at_most_every_few_seconds(world: World, two_step: FakeProcessor) -> None:
    attempt = start(world, make_line(world))
    for _ in range(3):
        attempt = check_attempt(attempt=attempt)
    assert two_step.count("look_up") == 1
    with clock.set_to(clock.now() + timedelta(seconds=4)):
        check_attempt(attempt=attempt)
    assert two_step.count("look_up") == 2


def test_f33_a_session_that_may_exist_unknown_to_us_is_fenced(world: World, two_step: FakeProcessor) -> None:
    two_step.lose("open")
    line = make_line(world)
    attempt = start(world, line)
    assert (attempt.state, attempt.step_url) == (AttemptState.CREATED, "")
    newer = start(world, line)
    attempt.refresh_from_db()
    assert (attempt.state, newer.state) == (AttemptState.CANCELED, AttemptState.AWAITING_ACTION)


def test_a_crash_before_the_processor_was_asked_frees_the_service(world: World, two_step: FakeProcessor) -> None:
    line = make_line(world)

    def crash() -> None:
        raise KeyboardInterrupt

    two_step.before["open"] = crash
    with pytest.raises(KeyboardInterrupt):
        start(world, line)
    assert Claim.objects.count() == 1
    with clock.set_to(clock.now() + timedelta(minutes=2)):
        reconcile_due()
    assert Attempt.objects.get().state == AttemptState.FAILED
    assert not Claim.objects.exists()


def test_f76_what_no_look_up_could_settle_lands_before_a_person(world: World, two_step: FakeProcessor) -> None:
    attempt = start(world, make_line(world))
    two_step.script("look_up", *[lambda truth: Outcome(Verdict.PENDING)])
    check_attempt(attempt=attempt)
    two_step.script("look_up", *[lambda truth: Outcome(Verdict.UNKNOWN)] * 200)
    began = clock.now()
    for hour in range(80):
        with clock.set_to(began + timedelta(hours=hour)):
            reconcile_due()
    attempt.refresh_from_db()
    assert attempt.state == AttemptState.IN_REVIEW
    assert Claim.objects.count() == 1
    assert 60 < two_step.count("look_up") < 80


def test_f40_a_form_belongs_to_one_viewer_for_twelve_hours(world: World) -> None:
    viewer = make_viewer(world)
    token = new_form_id(viewer)
    assert read_form_id(viewer, token) == read_form_id(viewer, token)
    for stale, who, pause in (
        (token, make_world("Hillside").viewer, 0),
        (token, viewer, 13),
        (token[:-1], viewer, 0),
        ("", viewer, 0),
    ):
        with clock.set_to(clock.now() + timedelta(hours=pause)), pytest.raises(UserError) as refusal:
            read_form_id(who, stale)
        assert refusal.value.code == "stale_form"
