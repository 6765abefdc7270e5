"""The payment path over Stripe: what arrives by notice, and an account that is connected here more than once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from paywell.core import clock
from paywell.ledger.models import AccountKind
from paywell.payments.actions import start_payment
from paywell.payments.models import Attempt, AttemptState, Dispute, Refund, Review, SavedCard, StoredNotice
from paywell.payments.notices import receive_notice
from paywell.payments.noticing import settle_stored_notice
from paywell.payments.processor_accounts import connect_processor
from paywell.payments.sweep import sweep
from paywell.payments.tests.checks import balance, owed
from paywell.payments.tests.factories import World, make_form, make_line, make_world
from paywell.processors.contract import BadNotice
from tests.contract import rig as cards
from tests.contract.stripe_rig import StripeRig
from tests.contract.test_payments import pay

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["stripe", "stripe_checkout"])
def rig(request: pytest.FixtureRequest) -> StripeRig:
    wanted: StripeRig = request.getfixturevalue(request.param)
    return wanted


@pytest.fixture
def world(rig: StripeRig) -> World:
    world = make_world()
    account = world.processor_account
    account.connector, account.settings, account.secrets = rig.name, rig.settings, rig.secrets
    account.save()
    return world


def notify(world: World, rig: StripeRig, *kinds: str) -> list[StoredNotice]:
    """Stripe posts what has happened, and the jobs run."""
    stored: list[StoredNotice] = []
    for event in rig.account.events:
        if event["type"] in kinds:
            stored += receive_notice(account=world.processor_account, notice=rig.notice(event))
    for notice in stored:
        settle_stored_notice(notice.id)
    return list(StoredNotice.objects.filter(pk__in=[each.pk for each in stored]))


def test_a_late_answer_arrives_by_notice(world: World, rig: StripeRig) -> None:
    line = make_line(world)
    attempt = pay(world, rig, cards.LATE, line)
    rig.settle(attempt.processor_ref, "succeeded")
    notify(world, rig, "payment_intent.succeeded")
    assert (Attempt.objects.get().state, owed(line)) == (AttemptState.SUCCEEDED, 0)


def test_refunds_and_disputes_made_at_stripe_arrive_by_notice(world: World, rig: StripeRig) -> None:
    line = make_line(world)
    attempt = pay(world, rig, cards.PAID, line)
    rig.refund_there(attempt.processor_ref, 2000)
    (done,) = notify(world, rig, "refund.created")
    assert done.done_at is not None
    assert Refund.objects.get().amount_minor == 2000
    assert balance(world, AccountKind.CLEARING) == 10000
    dispute = rig.dispute(attempt.processor_ref, 10000)
    notify(world, rig, "charge.dispute.created")
    assert (Dispute.objects.get().status, balance(world, AccountKind.CLEARING)) == ("open", 0)
    rig.close_dispute(dispute, "won")
    notify(world, rig, "charge.dispute.closed")
    assert (Dispute.objects.get().status, balance(world, AccountKind.CLEARING)) == ("won", 10000)


def test_a_notice_of_another_program_s_refund_is_no_matter_for_a_person(world: World, rig: StripeRig) -> None:
    foreign = rig.account.new(
        "pi", "payment_intent", status="succeeded", amount=500, amount_received=500, currency="usd", metadata={},
        latest_charge=None, last_payment_error=None, next_action=None, setup_future_usage=None, customer=None,
    )  # fmt: skip
    rig.account.tell(
        "refund.created", {"id": "re_1", "object": "refund", "payment_intent": foreign["id"], "metadata": {}}
    )
    (notice,) = notify(world, rig, "refund.created")
    assert notice.done_at is not None
    assert not Review.objects.exists()
    assert sweep(world.processor_account, clock.now() - timedelta(hours=72)) == 0
    assert balance(world, AccountKind.SUSPENSE) == 0


def test_a_notice_of_the_other_mode_is_refused(world: World, rig: StripeRig) -> None:
    pay(world, rig)
    event = {**rig.account.events[-1], "livemode": True}
    with pytest.raises(BadNotice):
        receive_notice(account=world.processor_account, notice=rig.notice(event))


def test_the_same_account_connected_anew_makes_no_money_look_unknown(world: World, rig: StripeRig) -> None:
    first = world.processor_account
    world.processor_account = connect_processor(
        practice=world.practice, connector=rig.name, settings=rig.settings, secrets=rig.secrets, live_mode=False,
        actor_id=None,
    )  # fmt: skip
    pay(world, rig)
    for account in (first, world.processor_account):
        assert sweep(account, clock.now() - timedelta(hours=72)) == 0
    assert balance(world, AccountKind.SUSPENSE) == 0
    assert not Review.objects.exists()


@pytest.mark.parametrize("loss", ["drop_before", "drop_after", "error_before", "error_after", "garbage"])
def test_a_customer_that_could_not_be_made_costs_nothing(world: World, rig: StripeRig, loss: str) -> None:
    line = make_line(world)
    rig.script("customer", loss)
    form = make_form(line, card_token="tok", consent_version="2026-01")
    assert start_payment(viewer=world.viewer, form=form).state == AttemptState.CREATED
    assert pay(world, rig, cards.PAID, line, consent="2026-01").state == AttemptState.SUCCEEDED
    assert len(rig.charged()) == 1
    assert Attempt.objects.get(pk=form.attempt_id).state == AttemptState.CANCELED


def test_a_card_is_kept_with_the_payer_s_consent_and_one_customer(world: World, rig: StripeRig) -> None:
    for _ in range(2):
        pay(world, rig, cards.PAID, make_line(world), consent="2026-01")
    card = SavedCard.objects.get()
    assert (card.last4, card.contact) == ("4242", world.contact)
    assert {each["id"] for each in rig.account.all("customer")} == {card.customer_ref}
