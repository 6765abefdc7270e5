"""A practice changes its processor: nothing that went through the old one is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from paywell.clients.models import Contact
from paywell.core import clock
from paywell.core.errors import UserError
from paywell.core.money import Money
from paywell.payments import processor_accounts
from paywell.payments.actions import refund_payment, start_payment
from paywell.payments.cards import list_cards, list_usable_cards
from paywell.payments.errors import card_missing
from paywell.payments.models import AttemptState, ProcessorAccount, RefundState, SavedCard
from paywell.payments.recollect import list_earlier_accounts, list_recollections
from paywell.payments.tests.factories import World, make_form, make_line, make_world
from paywell.payments.tests.fake_processor import FakeProcessor


@pytest.fixture
def world(transactional_db: None) -> World:
    return make_world()


@pytest.fixture
def processors(world: World, monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeProcessor]:
    """One fake for each account: what one took, the other does not know."""
    fakes: dict[str, FakeProcessor] = {}

    def make(account: ProcessorAccount) -> FakeProcessor:
        return fakes.setdefault(str(account.id), FakeProcessor())

    monkeypatch.setattr(processor_accounts, "make_processor", make)
    return fakes


def change_processor(world: World) -> ProcessorAccount:
    return processor_accounts.connect_processor(
        practice=world.practice, connector="test_inline", settings={}, secrets={}, live_mode=False, actor_id=None
    )


def keep_card(
    world: World, account: ProcessorAccount, contact: Contact | None = None, last4: str = "4242"
) -> SavedCard:
    return SavedCard.objects.create(
        practice=world.practice, processor_account=account, contact=contact or world.contact, token=f"card_{last4}",
        customer_ref="cus_1", brand="visa", last4=last4, created_at=clock.now(),
    )  # fmt: skip


def test_a_payment_of_the_old_processor_is_refunded_through_the_old_one(
    world: World, processors: dict[str, FakeProcessor]
) -> None:
    old = world.processor_account
    paid = start_payment(viewer=world.viewer, form=make_form(make_line(world)))
    new = change_processor(world)
    later = start_payment(viewer=world.viewer, form=make_form(make_line(world)))
    assert (paid.state, later.state) == (AttemptState.SUCCEEDED, AttemptState.SUCCEEDED)
    assert (paid.processor_account_id, later.processor_account_id) == (old.id, new.id)
    refund = refund_payment(viewer=world.staff, attempt=paid, amount=Money(5000), reason="Too much")
    assert refund.state == RefundState.DONE
    assert processors[str(old.id)].count("refund") == 1
    assert processors[str(new.id)].count("refund") == 0


def test_a_card_of_the_old_processor_is_listed_with_its_name_and_pays_nothing_new(
    world: World, processors: dict[str, FakeProcessor]
) -> None:
    card = keep_card(world, world.processor_account)
    new = change_processor(world)
    (listed,) = list_cards(world.viewer)
    assert (listed.processor, listed.is_usable) == ("Test processor, one screen", False)
    assert list_usable_cards(world.viewer, new.id) == []
    with pytest.raises(UserError) as refused:
        start_payment(viewer=world.viewer, form=make_form(make_line(world), saved_card_id=card.id, card_token=""))
    assert refused.value.code == card_missing().code
    assert processors.get(str(new.id), FakeProcessor()).taken == 0


def test_the_re_collection_list_holds_who_has_a_card_only_at_the_old_processor(world: World) -> None:
    keep_card(world, world.processor_account)
    keep_card(world, world.processor_account, last4="1881")
    other = Contact.objects.create(practice=world.practice, name="Zoe Ash", created_at=clock.now())
    keep_card(world, world.processor_account, other, last4="0005")
    assert list_recollections(world.staff).rows == ()
    new = change_processor(world)
    rows = list_recollections(world.staff).rows
    assert [row.contact for row in rows] == [world.contact, other]
    assert sorted(card.card_last4 for card in rows[0].cards) == ["1881", "4242"]
    assert (rows[0].client_names, rows[1].client_names) == (("Mia Stone",), ())
    keep_card(world, new, last4="9999")
    assert [row.contact for row in list_recollections(world.staff).rows] == [other]
    SavedCard.objects.filter(contact=other).update(removed_at=clock.now())
    assert list_recollections(world.staff).rows == ()


def test_another_practice_sees_nobody_of_the_re_collection_list(world: World) -> None:
    keep_card(world, world.processor_account)
    change_processor(world)
    assert list_recollections(make_world("Elsewhere").staff).rows == ()


def test_earlier_accounts_are_listed_with_the_cards_they_keep(world: World) -> None:
    keep_card(world, world.processor_account)
    connected = world.processor_account.connected_at
    change_processor(world)
    (earlier,) = list_earlier_accounts(world.practice.id)
    assert (earlier.processor, earlier.card_count, earlier.connected_at) == (
        "Test processor, one screen", 1, connected,
    )  # fmt: skip
    assert earlier.disconnected_at is not None
    assert clock.now() - earlier.disconnected_at < timedelta(minutes=1)
