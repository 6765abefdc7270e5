from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.errors import UserError
from paywell.payments.actions import start_payment
from paywell.payments.declines import mark_origin
from paywell.payments.models import Attempt, AttemptState, Claim
from paywell.payments.tests.factories import World, make_attempts, make_form, make_line, make_lines, make_world
from paywell.payments.tests.fake_processor import FakeProcessor

NOON = datetime(2026, 11, 10, 18, tzinfo=UTC)


def decline(world: World, times: int, processor: FakeProcessor) -> None:
    processor.behavior = "declined"
    line = make_line(world)
    for _ in range(times):
        assert start_payment(viewer=world.viewer, form=make_form(line)).state == AttemptState.DECLINED
    processor.behavior = "paid"
    processor.calls.clear()


def test_after_five_declines_an_account_waits_for_an_hour(world: World, processor: FakeProcessor) -> None:
    with clock.set_to(NOON):
        decline(world, 5, processor)
    line, attempts = make_line(world), Attempt.objects.count()
    with clock.set_to(NOON + timedelta(minutes=59, seconds=59)), pytest.raises(UserError) as refusal:
        start_payment(viewer=world.viewer, form=make_form(line))
    assert refusal.value.code == "too_many_declines"
    assert "Nothing was charged." in refusal.value.message
    assert (processor.calls, Attempt.objects.count(), Claim.objects.count()) == ([], attempts, 0)
    with clock.set_to(NOON + timedelta(hours=1)):
        assert start_payment(viewer=world.viewer, form=make_form(line)).state == AttemptState.SUCCEEDED


def test_four_declines_are_a_bad_day(world: World, processor: FakeProcessor) -> None:
    with clock.set_to(NOON):
        decline(world, 4, processor)
        assert start_payment(viewer=world.viewer, form=make_form(make_line(world))).state == AttemptState.SUCCEEDED


def test_another_account_is_not_held_up(world: World, processor: FakeProcessor) -> None:
    other = make_world("Hillside")
    with clock.set_to(NOON):
        decline(world, 5, processor)
        assert start_payment(viewer=other.viewer, form=make_form(make_line(other))).state == AttemptState.SUCCEEDED


def test_cards_that_are_being_tried_count_with_the_declined(world: World, processor: FakeProcessor) -> None:
    with clock.set_to(NOON):
        make_attempts(
            world,
            make_lines(world, 5),
            state=AttemptState.SUBMITTING,
            submitted_at=NOON,
            closed_at=None,
            captured_minor=0,
        )
        with pytest.raises(UserError, match="paused"):
            start_payment(viewer=world.viewer, form=make_form(make_line(world)))
    assert processor.calls == []


def test_one_person_waits_after_twenty_declines_on_any_accounts(world: World, processor: FakeProcessor) -> None:
    with clock.set_to(NOON):
        elsewhere = BillingAccount.objects.create(practice=world.practice, name="Another", created_at=NOON)
        lines = make_lines(world, 20)
        make_attempts(world, lines[:19], account=elsewhere, state=AttemptState.DECLINED, captured_minor=0)
        form = make_form(make_line(world))
        assert start_payment(viewer=world.viewer, form=form).state == AttemptState.SUCCEEDED
        make_attempts(world, lines[19:], account=elsewhere, state=AttemptState.DECLINED, captured_minor=0)
        with pytest.raises(UserError) as refusal:
            start_payment(viewer=world.viewer, form=make_form(make_line(world)))
    assert refusal.value.code == "too_many_declines"


def test_f20_an_address_has_twenty_declines_an_hour_over_all_accounts(
    world: World, processor: FakeProcessor
) -> None:
    here, elsewhere = "203.0.113.7", "203.0.113.8"
    with clock.set_to(NOON):
        make_attempts(
            world, make_lines(world, 20), state=AttemptState.DECLINED, captured_minor=0, contact=None,
            account=BillingAccount.objects.create(practice=world.practice, name="Other", created_at=NOON),
            origin_mark=mark_origin(here),
        )  # fmt: skip
        line = make_line(world)
        with pytest.raises(UserError) as refusal:
            start_payment(viewer=world.viewer, form=replace(make_form(line), from_ip=here))
        assert refusal.value.code == "too_many_declines"
        assert processor.calls == []
        attempt = start_payment(viewer=world.viewer, form=replace(make_form(line), from_ip=elsewhere))
    assert attempt.state == AttemptState.SUCCEEDED
    assert elsewhere not in attempt.origin_mark


def test_f20_one_home_of_ipv6_is_one_address() -> None:
    assert mark_origin("2001:db8:1:2::1") == mark_origin("2001:db8:1:2:ffff::9") != mark_origin("2001:db8:1:3::1")
    assert mark_origin("") == mark_origin("no address") == ""
