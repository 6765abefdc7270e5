"""What notices bring about, from each processor's own posts to our address into the books."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from paywell.core import clock
from paywell.ledger.books import find_drift
from paywell.ledger.models import AccountKind
from paywell.outbox.models import OutboxEvent
from paywell.payments.actions import check_attempt, start_payment
from paywell.payments.models import Attempt, AttemptState, Dispute, Refund, Review, StoredNotice
from paywell.payments.noticing import settle_due_notices, settle_stored_notice
from paywell.payments.orders import charge_order
from paywell.payments.tests.checks import balance, owed
from paywell.payments.tests.factories import World, make_form, make_line, make_world
from paywell.processors.contract import Capability, RawNotice, Style
from tests.contract import rig as cards
from tests.contract.rig import Rig
from tests.contract.test_payments import lead_on, pay

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(rig: Rig) -> World:
    """A practice that is connected to the account on the bench, which sends it notices."""
    rig.turn_notices_on()
    world = make_world()
    account = world.processor_account
    account.connector, account.settings, account.secrets = rig.name, rig.settings, rig.secrets
    account.save()
    return world


def ring(world: World, notices: Sequence[RawNotice]) -> None:
    """The processor posts them, one by one, and the job of each new one is done at once."""
    assert notices
    for notice in notices:
        answer = Client(enforce_csrf_checks=True).post(
            reverse("api:notices", args=[world.processor_account.id]),
            data=notice.body,
            content_type="application/json",
            headers=dict(notice.headers),
        )
        assert answer.status_code == 200
        for stored in StoredNotice.objects.filter(done_at=None).order_by("received_at"):
            settle_stored_notice(stored.id)


def receipts() -> int:
    return OutboxEvent.objects.filter(kind="payments.payment_succeeded").count()


def test_f48_f51_notices_twice_and_in_the_wrong_order_have_one_effect(world: World, rig: Rig) -> None:
    line = make_line(world, 12000)
    attempt = pay(world, rig, cards.PAID, line)
    rig.refund_there(attempt.processor_ref, 3000)
    notices = rig.collect_notices(2)
    for _ in range(3):
        ring(world, notices[::-1])
    attempt.refresh_from_db()
    assert (attempt.state, attempt.captured_minor) == (AttemptState.SUCCEEDED, 12000)
    assert list(Refund.objects.values_list("amount_minor", "origin")) == [(3000, "at_processor")]
    assert (owed(line), balance(world, AccountKind.CLEARING), receipts()) == (3000, 9000, 1)
    assert StoredNotice.objects.count() <= len(notices)
    assert find_drift(world.practice.id) == {}


def test_f49_a_notice_before_the_payer_is_back_makes_one_payment_and_one_receipt(world: World, rig: Rig) -> None:
    line = make_line(world, 12000)
    if rig.processor.style is Style.INLINE:
        attempt = pay(world, rig, cards.PAID, line, fault="drop_after")  # our own look-up got no answer
        assert attempt.state == AttemptState.PROCESSING
    else:
        attempt = start_payment(viewer=world.viewer, form=make_form(line, card_token=""))
        lead_on(rig, attempt)
        rig.pay(charge_order(attempt), cards.PAID)
        attempt.refresh_from_db()
        assert attempt.state == AttemptState.AWAITING_ACTION
    ring(world, rig.collect_notices(1))
    attempt.refresh_from_db()
    assert (attempt.state, receipts(), owed(line)) == (AttemptState.SUCCEEDED, 1, 0)
    assert check_attempt(attempt=attempt).state == AttemptState.SUCCEEDED
    assert (receipts(), len(rig.charged()), balance(world, AccountKind.CLEARING)) == (1, 1, 12000)


def test_f50_a_notice_of_a_payment_without_a_row_waits_and_then_a_person_hears_of_it(
    world: World, rig: Rig
) -> None:
    rig.paid()
    ring(world, rig.collect_notices(1))
    waiting = StoredNotice.objects.filter(done_at=None)
    assert waiting.exists()
    assert not Review.objects.exists()
    with clock.set_to(clock.now() + timedelta(minutes=16)):
        settle_due_notices()
    assert not waiting.exists()
    assert {each.kind for each in Review.objects.all()} == {"notice_of_unknown_charge"}
    assert not Attempt.objects.exists()
    assert balance(world, AccountKind.CLEARING) == 0


def test_f30_a_refund_made_there_arrives_by_its_notice(world: World, rig: Rig) -> None:
    line = make_line(world, 12000)
    attempt = pay(world, rig, cards.PAID, line)
    before = len(rig.collect_notices(1))
    rig.refund_there(attempt.processor_ref, 3000)
    ring(world, rig.collect_notices(before + 1)[before:])
    assert (owed(line), balance(world, AccountKind.CLEARING)) == (3000, 9000)
    assert Refund.objects.get().origin == "at_processor"


def test_f46_a_dispute_arrives_by_its_notices_and_is_won(world: World, rig: Rig) -> None:
    rig.needs(Capability.DISPUTES)
    attempt = pay(world, rig)
    before = len(rig.collect_notices(1))
    dispute = rig.dispute(attempt.processor_ref, 12000)
    opened = rig.collect_notices(before + 1)
    ring(world, opened[before:])
    assert (Dispute.objects.get().status, balance(world, AccountKind.CLEARING)) == ("open", 0)
    rig.close_dispute(dispute, "won")
    ring(world, rig.collect_notices(len(opened) + 1)[len(opened) :])
    assert (Dispute.objects.get().status, balance(world, AccountKind.CLEARING)) == ("won", 12000)
