from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from paywell.audit.models import AuditEvent
from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.errors import NotFoundForViewer, UserError
from paywell.core.money import Money
from paywell.payments.actions import start_payment
from paywell.payments.cards import (
    customer_for,
    forget_removed_cards,
    keep_card,
    list_cards,
    list_usable_cards,
    remove_card,
    rename_card,
    set_default_card,
)
from paywell.payments.consent import CONSENT_VERSION, STEP_TWO_VERSION, WORDINGS
from paywell.payments.models import Attempt, AttemptState, CardConsent, ProcessorCustomer, Review, SavedCard
from paywell.payments.processor_accounts import disconnect_processor
from paywell.payments.tests.factories import (
    World,
    make_attempts,
    make_form,
    make_line,
    make_lines,
    make_other_payer,
    make_world,
)
from paywell.payments.tests.fake_processor import VISA, FakeProcessor
from paywell.payments.types import Shown
from paywell.processors.contract import CardFacts, Outcome, SavedCardFacts, Verdict

FACTS = SavedCardFacts("card_1", "cus_1", VISA)


@pytest.fixture
def attempt(world: World) -> Attempt:
    return make_attempts(world, make_lines(world, 1), consent_version=CONSENT_VERSION)[0]


def make_card(world: World, number: int = 1, **changes: object) -> SavedCard:
    said: dict[str, object] = {
        "practice": world.practice, "processor_account": world.processor_account, "contact": world.contact,
        "token": f"card_{number}", "customer_ref": "cus_1", "brand": "Visa", "last4": "4242", "exp_month": 4,
        "exp_year": 2031, "created_at": clock.now() + timedelta(minutes=number), "is_default": number == 1,
    }  # fmt: skip
    return SavedCard.objects.create(**(said | changes))


# Keeping


def test_keeping_a_card_stores_the_consent_with_brand_last_four_and_expiry(world: World, attempt: Attempt) -> None:
    card = keep_card(attempt, FACTS)
    consent = CardConsent.objects.get()
    assert (consent.card, consent.attempt, consent.user_id) == (card, attempt, world.user.id)
    assert (consent.wording_version, consent.brand, consent.last4) == (CONSENT_VERSION, "visa", "4242")
    assert (consent.exp_month, consent.exp_year) == (4, 2031)


def test_every_wording_that_can_be_consented_to_is_kept() -> None:
    assert {CONSENT_VERSION, STEP_TWO_VERSION} <= set(WORDINGS)
    assert all(str(text) for text in WORDINGS.values())


def test_keeping_the_same_card_again_changes_nothing(world: World, attempt: Attempt) -> None:
    assert keep_card(attempt, FACTS) == keep_card(attempt, FACTS)
    assert (SavedCard.objects.count(), CardConsent.objects.count(), ProcessorCustomer.objects.count()) == (1, 1, 1)


def test_the_first_card_becomes_the_default_and_the_second_does_not(world: World, attempt: Attempt) -> None:
    first = keep_card(attempt, FACTS)
    second = keep_card(attempt, replace(FACTS, token="card_2"))
    assert first
    assert second
    assert (first.is_default, second.is_default) == (True, False)


def test_a_card_that_was_removed_does_not_come_back(
    world: World, attempt: Attempt, processor: FakeProcessor
) -> None:
    card = keep_card(attempt, FACTS)
    assert card
    remove_card(viewer=world.viewer, card=card)
    keep_card(attempt, FACTS)
    assert list_cards(world.viewer) == []


@pytest.mark.parametrize(
    "facts",
    [
        replace(FACTS, card=CardFacts("wallet", "")),
        replace(FACTS, card=CardFacts("wallet", "12a4")),
        replace(FACTS, token=""),
        replace(FACTS, token="x" * 121),
    ],
)
def test_a_card_that_can_t_be_kept_does_not_disturb_the_payment(attempt: Attempt, facts: SavedCardFacts) -> None:
    assert keep_card(attempt, facts) is None
    assert not SavedCard.objects.exists()


def test_a_card_never_lands_on_another_payer(world: World, attempt: Attempt) -> None:
    """Neither by the card's token nor by the payer's name at the processor."""
    other = make_other_payer(world)
    theirs = make_attempts(world, make_lines(world, 1), contact=other.contact, consent_version=CONSENT_VERSION)[0]
    keep_card(attempt, FACTS)
    assert keep_card(theirs, FACTS) is None
    assert keep_card(theirs, replace(FACTS, token="card_2")) is None
    assert list_cards(other) == []
    assert [card.contact_id for card in SavedCard.objects.all()] == [world.contact.id]


def test_a_card_is_kept_only_where_the_payer_asked_for_it(world: World, processor: FakeProcessor) -> None:
    start_payment(viewer=world.viewer, form=make_form(make_line(world)))
    assert list_cards(world.viewer) == []
    start_payment(viewer=world.viewer, form=make_form(make_line(world), consent_version=CONSENT_VERSION))
    assert len(list_cards(world.viewer)) == 1


def test_f47_a_payer_has_one_name_at_a_processor_account(world: World) -> None:
    names = {"contact_id": world.contact.id, "processor_account_id": world.processor_account.id}
    first = customer_for(**names, practice_id=world.practice.id)
    assert customer_for(**names, practice_id=world.practice.id) == first
    assert len(first.reference) == 20


# Listing


def test_the_list_shows_the_default_first_then_the_newest(world: World) -> None:
    cards = [make_card(world, number) for number in (1, 2, 3)]
    assert [card.id for card in list_cards(world.viewer)] == [cards[0].id, cards[2].id, cards[1].id]


def test_a_card_shows_every_use_also_the_payment_that_kept_it(world: World, processor: FakeProcessor) -> None:
    kept = start_payment(viewer=world.viewer, form=make_form(make_line(world), consent_version=CONSENT_VERSION))
    (card,) = list_cards(world.viewer)
    processor.behavior = "declined"
    form = make_form(make_line(world, 8400), card_token="", saved_card_id=card.id)
    declined = start_payment(viewer=world.viewer, form=form)
    (card,) = list_cards(world.viewer)
    assert [(use.attempt_id, use.amount, use.status) for use in card.uses] == [
        (declined.id, Money(8400), Shown.DECLINED),
        (kept.id, Money(12000), Shown.PAID),
    ]
    assert all(use.is_here for use in card.uses)


def test_a_use_on_another_account_is_told_but_not_opened_from_here(world: World) -> None:
    card = make_card(world)
    make_attempts(world, make_lines(world, 1), saved_card=card)
    elsewhere = BillingAccount.objects.create(practice=world.practice, name="Family", created_at=clock.now())
    (listed,) = list_cards(replace(world.viewer, account=elsewhere))
    assert [use.is_here for use in listed.uses] == [False]


@pytest.mark.parametrize(
    ("today", "is_expired"),
    [(datetime(2031, 5, 1, 3, tzinfo=UTC), False), (datetime(2031, 5, 1, 5, tzinfo=UTC), True)],
)
def test_a_card_is_good_to_the_end_of_its_month_in_the_practice_s_zone(
    world: World, today: datetime, is_expired: bool
) -> None:
    make_card(world)
    with clock.set_to(today):
        assert [card.is_expired for card in list_cards(world.viewer)] == [is_expired]


def test_a_card_of_one_payer_is_never_seen_by_another(world: World) -> None:
    make_card(world)
    assert list_cards(make_other_payer(world)) == []
    assert list_cards(make_world("Hillside").viewer) == []


def test_a_card_of_a_former_processor_can_be_removed_but_not_paid_with(world: World) -> None:
    make_card(world)
    account_id = world.processor_account.id
    assert [card.is_usable for card in list_usable_cards(world.viewer, account_id)] == [True]
    disconnect_processor(practice=world.practice, actor_id=None)
    assert list_usable_cards(world.viewer, account_id) == []
    assert [card.is_usable for card in list_cards(world.viewer)] == [False]


def test_the_list_takes_two_queries_however_many_cards_and_uses(world: World) -> None:
    for number in range(1, 6):
        make_attempts(world, make_lines(world, 4), saved_card=make_card(world, number))
    viewer = world.viewer
    with CaptureQueriesContext(connection) as captured:
        assert [len(card.uses) for card in list_cards(viewer)] == [4] * 5
    assert len(captured) == 2


# Changing


def test_a_payer_names_a_card_and_takes_the_name_away(world: World) -> None:
    card = make_card(world)
    assert rename_card(viewer=world.viewer, card=card, name="  My   blue card ").name == "My blue card"
    assert rename_card(viewer=world.viewer, card=card, name="").name == ""


@pytest.mark.parametrize(
    ("name", "code"), [("x" * 61, "card_name_too_long"), ("4242 4242 4242 4242", "card_name_is_number")]
)
def test_a_name_that_is_too_long_or_a_card_number_is_refused(world: World, name: str, code: str) -> None:
    card = make_card(world, name="Blue")
    with pytest.raises(UserError) as refusal:
        rename_card(viewer=world.viewer, card=card, name=name)
    assert refusal.value.code == code
    assert SavedCard.objects.get().name == "Blue"


def test_there_is_one_default_at_a_time(world: World) -> None:
    make_card(world, 1)
    second = make_card(world, 2)
    set_default_card(viewer=world.viewer, card=second)
    assert list(SavedCard.objects.filter(is_default=True)) == [second]


def test_nobody_else_renames_sets_or_removes_a_card(world: World, processor: FakeProcessor) -> None:
    card = make_card(world, name="Blue")
    other = make_other_payer(world)
    for change in (
        lambda: rename_card(viewer=other, card=card, name="Mine"),
        lambda: set_default_card(viewer=other, card=card),
        lambda: remove_card(viewer=other, card=card),
    ):
        with pytest.raises(NotFoundForViewer):
            change()
    card.refresh_from_db()
    assert (card.name, card.is_default, card.removed_at) == ("Blue", True, None)
    assert processor.calls == []


# Removing


def test_removing_is_allowed_also_for_the_last_card_and_the_processor_forgets_it(
    world: World, processor: FakeProcessor
) -> None:
    card = make_card(world)
    remove_card(viewer=world.viewer, card=card)
    card.refresh_from_db()
    assert (card.is_default, card.removed_at is None, card.forgotten_at is None) == (False, False, False)
    assert processor.calls == ["forget_card"]
    assert AuditEvent.objects.get(action="payments.remove_card").target_id == card.id
    assert list_cards(world.viewer) == []


def test_removing_twice_is_harmless(world: World, processor: FakeProcessor) -> None:
    card = make_card(world)
    first = remove_card(viewer=world.viewer, card=card)
    second = remove_card(viewer=world.viewer, card=card)
    assert first.removed_at == second.removed_at
    assert AuditEvent.objects.filter(action="payments.remove_card").count() == 1


def test_when_the_default_is_removed_the_newest_becomes_it(world: World, processor: FakeProcessor) -> None:
    default, _second, third = (make_card(world, number) for number in (1, 2, 3))
    remove_card(viewer=world.viewer, card=default)
    assert list(SavedCard.objects.filter(is_default=True)) == [third]


def test_a_removed_card_can_t_pay(world: World, processor: FakeProcessor) -> None:
    card = make_card(world)
    remove_card(viewer=world.viewer, card=card)
    with pytest.raises(UserError) as refusal:
        start_payment(viewer=world.viewer, form=make_form(make_line(world), card_token="", saved_card_id=card.id))
    assert refusal.value.code == "card_missing"
    assert processor.taken == 0


def test_a_processor_that_does_not_confirm_is_asked_again_until_it_does(
    world: World, processor: FakeProcessor
) -> None:
    card = make_card(world)
    processor.lose("forget_card")
    assert remove_card(viewer=world.viewer, card=card).forgotten_at is None
    assert forget_removed_cards() == 1
    assert forget_removed_cards() == 0
    card.refresh_from_db()
    assert card.forgotten_at is not None
    assert processor.count("forget_card") == 2


def test_a_card_that_is_not_forgotten_for_three_days_is_put_before_a_person_once(
    world: World, processor: FakeProcessor
) -> None:
    card = make_card(world)
    processor.script("forget_card", *[lambda truth: Outcome(Verdict.UNKNOWN, detail="ReadTimeout")] * 4)
    removed = remove_card(viewer=world.viewer, card=card)
    assert removed.removed_at
    with clock.set_to(removed.removed_at + timedelta(hours=71)):
        forget_removed_cards()
    assert not Review.objects.exists()
    with clock.set_to(removed.removed_at + timedelta(hours=73)):
        assert forget_removed_cards() == forget_removed_cards() == 0
    assert Review.objects.get().kind == "card_not_forgotten"


def test_removing_works_where_the_processor_can_t_even_be_made(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account's settings are empty: no connector can be made of them."""
    card = remove_card(viewer=world.viewer, card=make_card(world))
    assert (card.removed_at is None, card.forgotten_at) == (False, None)
    assert forget_removed_cards() == 0


def test_past_payments_keep_what_they_say_of_a_removed_card(world: World, processor: FakeProcessor) -> None:
    card = make_card(world)
    (attempt,) = make_attempts(world, make_lines(world, 1), saved_card=card)
    remove_card(viewer=world.viewer, card=card)
    attempt.refresh_from_db()
    assert (attempt.saved_card, attempt.card_last4, attempt.state) == (card, "4242", AttemptState.SUCCEEDED)
