from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction

from paywell.core import clock
from paywell.core.errors import UserError
from paywell.core.money import Money
from paywell.ledger.actions import Line, Posting, Side, post
from paywell.ledger.models import AccountKind, Transfer
from paywell.payments.actions import check_attempt, start_payment
from paywell.payments.models import Attempt, AttemptEvent, AttemptState, CardConsent, Claim, Review, SavedCard
from paywell.payments.reconcile import reconcile_attempt
from paywell.payments.settle import Answer, settle, settle_answers
from paywell.payments.tests.checks import balance, owed
from paywell.payments.tests.factories import World, make_form, make_line
from paywell.payments.tests.fake_processor import VISA, FakeProcessor
from paywell.processors.contract import Outcome, SavedCardFacts, Verdict


def start(world: World, *lines: object, **changes: object) -> Attempt:
    return start_payment(viewer=world.viewer, form=make_form(*lines, **changes))  # type: ignore[arg-type]


def truth_of(attempt: Attempt, **changes: object) -> Outcome:
    """What a look-up says of a paid attempt."""
    said = Outcome(
        Verdict.SUCCEEDED,
        processor_ref=attempt.processor_ref or "ch_1",
        reference=attempt.reference,
        money=Money(attempt.amount_minor),
        card=VISA,
        live_mode=False,
    )
    return replace(said, **changes)  # type: ignore[arg-type]


def later(**pause: float) -> object:
    return clock.set_to(clock.now() + timedelta(**pause))


def test_f34_a_lost_answer_is_looked_up_and_settled_once(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    processor.lose("submit")
    attempt = start(world, line)
    assert attempt.state == AttemptState.SUCCEEDED
    assert processor.taken == 12000
    assert owed(line) == 0


def test_unknown_holds_the_service_until_a_look_up_settles_it_once(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    processor.lose("submit")
    processor.lose("look_up")
    attempt = start(world, line)
    assert attempt.state == AttemptState.UNKNOWN
    assert (owed(line), processor.taken) == (12000, 12000)
    with pytest.raises(UserError) as refusal:
        start(world, line)
    assert refusal.value.code == "being_paid"
    with later(minutes=2):
        first = reconcile_attempt(attempt.id)
        again = check_attempt(attempt=first)
    assert (first.state, again.state) == (AttemptState.SUCCEEDED, AttemptState.SUCCEEDED)
    assert owed(line) == 0
    assert balance(world, AccountKind.CLEARING) == processor.taken == 12000
    assert Transfer.objects.filter(source=f"payment:{attempt.id}").count() == 1


def test_unknown_is_never_closed_by_not_sent(world: World, processor: FakeProcessor) -> None:
    processor.lose("submit")
    processor.lose("look_up")
    attempt = start(world, make_line(world))
    for cause in ("read", "submit", "cancel"):
        attempt = settle(attempt_id=attempt.id, truth=Outcome(Verdict.NOT_SENT), cause=cause)
        assert attempt.state == AttemptState.UNKNOWN
    assert Claim.objects.count() == 1


def test_f35_absent_closes_only_after_fifteen_minutes(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    processor.script("submit", lambda truth: Outcome(Verdict.UNKNOWN))
    processor.lose("look_up")
    attempt = start(world, line)
    with later(minutes=14):
        attempt = settle(attempt_id=attempt.id, truth=Outcome(Verdict.ABSENT), cause="reconcile")
    assert attempt.state == AttemptState.UNKNOWN
    with later(minutes=16):
        attempt = settle(attempt_id=attempt.id, truth=Outcome(Verdict.ABSENT), cause="reconcile")
    assert attempt.state == AttemptState.FAILED
    assert not Claim.objects.exists()
    assert owed(line) == 12000


def test_absent_is_no_news_of_a_payment_just_made_and_a_contradiction_later(
    world: World, processor: FakeProcessor
) -> None:
    attempt = start(world, make_line(world))
    with later(minutes=14):
        # Asked while the processor's list did not show the charge yet, heard after the payment was known.
        attempt = settle(attempt_id=attempt.id, truth=Outcome(Verdict.ABSENT), cause="notice")
    assert attempt.state == AttemptState.SUCCEEDED
    assert not Review.objects.exists()
    with later(minutes=16):
        attempt = settle(attempt_id=attempt.id, truth=Outcome(Verdict.ABSENT), cause="sweep")
    assert attempt.state == AttemptState.SUCCEEDED
    assert Review.objects.get().kind == "contradiction"


def test_accepted_and_declined_while_the_look_up_after_it_hung_asks_nobody(
    world: World, processor: FakeProcessor
) -> None:
    """Found by the fault simulation: the notice of the decline was settled before the answer it overtook."""
    line = make_line(world)
    processor.lose("submit")
    processor.lose("look_up")
    attempt = start(world, line)
    settle(attempt_id=attempt.id, truth=truth_of(attempt, verdict=Verdict.DECLINED, money=None), cause="notice")
    heard_late = [Answer(Outcome(Verdict.SUCCEEDED), "submit"), Answer(Outcome(Verdict.UNKNOWN), "confirm")]
    attempt = settle_answers(attempt_id=attempt.id, answers=heard_late)
    assert attempt.state == AttemptState.DECLINED
    assert not Review.objects.exists()
    assert owed(line) == 12000
    # Money would still be seen, and goes before a person.
    settle(attempt_id=attempt.id, truth=truth_of(attempt), cause="sweep")
    assert Review.objects.get().kind == "late_success"
    assert balance(world, AccountKind.SUSPENSE) == -12000


def test_what_never_left_fails_at_once(world: World, processor: FakeProcessor) -> None:
    processor.script("submit", lambda truth: Outcome(Verdict.NOT_SENT))
    assert start(world, make_line(world)).state == AttemptState.FAILED
    assert not Claim.objects.exists()


def test_an_open_that_failed_leaves_the_form_to_be_sent_again(world: World, processor: FakeProcessor) -> None:
    form = make_form(make_line(world))
    processor.lose("open")
    first = start_payment(viewer=world.viewer, form=form)
    assert (first.state, processor.taken) == (AttemptState.CREATED, 0)
    again = start_payment(viewer=world.viewer, form=form)
    assert (again.id, again.state) == (first.id, AttemptState.SUCCEEDED)
    assert processor.taken == 12000
    assert len(processor.charges) == 1


def test_f48_settling_again_changes_nothing_but_is_noted(world: World, processor: FakeProcessor) -> None:
    attempt = start(world, make_line(world))
    before = (Transfer.objects.count(), AttemptEvent.objects.count())
    for cause in ("notice", "sweep", "notice"):
        attempt = settle(attempt_id=attempt.id, truth=truth_of(attempt), cause=cause)
    assert attempt.state == AttemptState.SUCCEEDED
    assert (Transfer.objects.count(), AttemptEvent.objects.count()) == (before[0], before[1] + 3)
    assert not Review.objects.exists()


def test_an_answer_that_comes_late_and_paid(world: World, processor: FakeProcessor) -> None:
    processor.behavior = "late"
    line = make_line(world)
    attempt = start(world, line)
    assert attempt.state == AttemptState.PROCESSING
    processor.finish(attempt.reference)
    assert check_attempt(attempt=attempt).state == AttemptState.SUCCEEDED
    assert owed(line) == 0


def test_a_success_of_a_closed_attempt_goes_to_suspense_and_review(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    processor.behavior = "declined"
    attempt = start(world, line)
    for cause in ("notice", "sweep"):
        attempt = settle(attempt_id=attempt.id, truth=truth_of(attempt), cause=cause)
    assert attempt.state == AttemptState.DECLINED
    assert owed(line) == 12000
    assert balance(world, AccountKind.CLEARING) == 12000
    assert balance(world, AccountKind.SUSPENSE) == -12000
    assert Review.objects.get().kind == "late_success"


def test_a_second_success_under_another_reference_goes_to_suspense_and_review(
    world: World, processor: FakeProcessor
) -> None:
    line = make_line(world)
    attempt = start(world, line)
    for _ in range(2):
        settle(attempt_id=attempt.id, truth=truth_of(attempt, processor_ref="ch_2"), cause="sweep")
    assert owed(line) == 0
    assert balance(world, AccountKind.CLEARING) == 24000
    assert balance(world, AccountKind.SUSPENSE) == -12000
    assert Review.objects.get().kind == "second_charge"


def test_f44_another_amount_is_booked_as_captured_and_reviewed(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    processor.script("look_up", lambda truth: replace(truth, money=Money(11000)))
    attempt = start(world, line)
    assert (attempt.state, attempt.captured_minor) == (AttemptState.SUCCEEDED, 11000)
    assert owed(line) == 1000
    assert Review.objects.get().kind == "amount_differs"


def test_more_than_ordered_becomes_client_credit(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    processor.script("look_up", lambda truth: replace(truth, money=Money(13000)))
    start(world, line)
    assert owed(line) == 0
    assert balance(world, AccountKind.CLIENT_CREDIT) == -1000
    assert Review.objects.get().kind == "amount_differs"


@pytest.mark.parametrize(
    ("changes", "kind", "suspense"),
    [
        ({"money": None}, "incomplete", 0),
        ({"processor_ref": ""}, "incomplete", -12000),
        ({"reference": ""}, "incomplete", -12000),
        ({"reference": "SOMEBODYELSES0000000"}, "other_reference", -12000),
        ({"live_mode": True}, "other_mode", 0),
    ],
)
def test_f16_a_success_that_can_t_be_ours_is_reviewed(
    world: World, processor: FakeProcessor, changes: dict[str, object], kind: str, suspense: int
) -> None:
    line = make_line(world)
    processor.script("look_up", lambda truth: replace(truth, **changes))  # type: ignore[arg-type]
    attempt = start(world, line)
    assert attempt.state == AttemptState.IN_REVIEW
    assert owed(line) == 12000
    assert Claim.objects.count() == 1
    assert balance(world, AccountKind.SUSPENSE) == suspense
    assert Review.objects.get().kind == kind


def test_half_a_success_is_reviewed_and_looked_up_on(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    half = Outcome(Verdict.UNKNOWN, detail="success without amount")
    processor.script("submit", lambda truth: half)
    processor.script("look_up", lambda truth: half)
    attempt = start(world, line)
    assert attempt.state == AttemptState.UNKNOWN
    assert Review.objects.get().kind == "incomplete"
    assert check_attempt(attempt=attempt).state == AttemptState.SUCCEEDED
    assert owed(line) == 0


def test_another_attempt_s_charge_is_not_counted_twice(world: World, processor: FakeProcessor) -> None:
    paid = start(world, make_line(world, 100))
    processor.script("look_up", lambda truth: truth_of(paid))
    attempt = start(world, make_line(world))
    assert attempt.state == AttemptState.IN_REVIEW
    assert balance(world, AccountKind.CLEARING) == 100
    assert balance(world, AccountKind.SUSPENSE) == 0


def test_f24_money_for_a_service_paid_meanwhile_becomes_credit(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)

    def write_off() -> None:
        with transaction.atomic():
            post(
                practice_id=world.practice.id,
                book_owner_id=world.account.id,
                source="write_off:1",
                postings=[
                    Posting(
                        Side(AccountKind.WRITE_OFF, world.practice.id),
                        Side(AccountKind.RECEIVABLE, world.account.id),
                        Money(9000),
                        Line(line.id),
                    )
                ],
                actor_id=None,
            )

    processor.before["look_up"] = write_off
    attempt = start(world, line)
    assert attempt.state == AttemptState.SUCCEEDED
    assert owed(line) == 0
    assert balance(world, AccountKind.CLIENT_CREDIT) == -9000
    assert Review.objects.get().kind == "surplus"


def test_review_is_left_by_a_person_alone(world: World, processor: FakeProcessor) -> None:
    processor.script("look_up", lambda truth: replace(truth, money=None))
    attempt = start(world, make_line(world))
    for verdict in (Verdict.SUCCEEDED, Verdict.DECLINED, Verdict.CANCELED, Verdict.ABSENT, Verdict.PENDING):
        attempt = settle(attempt_id=attempt.id, truth=truth_of(attempt, verdict=verdict), cause="sweep")
        assert attempt.state == AttemptState.IN_REVIEW
    assert balance(world, AccountKind.SUSPENSE) == -12000


def test_a_card_is_kept_with_the_payer_s_consent(world: World, processor: FakeProcessor) -> None:
    attempt = start(world, make_line(world), consent_version="2026-01")
    card = SavedCard.objects.get()
    assert (card.contact, card.last4) == (world.contact, "4242")
    consent = CardConsent.objects.get()
    assert (consent.wording_version, consent.attempt, consent.user_id) == ("2026-01", attempt, world.user.id)


def test_no_card_is_kept_without_consent(world: World, processor: FakeProcessor) -> None:
    facts = SavedCardFacts("card_1", "cus_1", VISA)
    processor.script("look_up", lambda truth: replace(truth, saved_card=facts))
    start(world, make_line(world))
    assert not SavedCard.objects.exists()


def test_a_saved_card_pays(world: World, processor: FakeProcessor) -> None:
    start(world, make_line(world), consent_version="2026-01")
    card = SavedCard.objects.get()
    attempt = start(world, make_line(world), saved_card_id=card.id, card_token="")
    assert (attempt.state, attempt.saved_card) == (AttemptState.SUCCEEDED, card)


def test_several_answers_are_settled_in_one_go(world: World, processor: FakeProcessor) -> None:
    processor.lose("submit")
    processor.lose("look_up")
    attempt = start(world, make_line(world))
    answers = [Answer(Outcome(Verdict.PENDING), "read"), Answer(truth_of(attempt), "read")]
    assert settle_answers(attempt_id=attempt.id, answers=answers).state == AttemptState.SUCCEEDED
    last = AttemptEvent.objects.order_by("id").last()
    assert last is not None
    assert (last.from_state, last.to_state) == ("processing", "succeeded")
