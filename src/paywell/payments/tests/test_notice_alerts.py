from __future__ import annotations

from datetime import timedelta

import pytest

from paywell.core import clock, http
from paywell.payments import processor_accounts
from paywell.payments.actions import start_payment
from paywell.payments.models import ProcessorAccount, Review
from paywell.payments.notices import receive_notice
from paywell.payments.sweep import sweep_all
from paywell.payments.tests.factories import World, make_form, make_line
from paywell.payments.tests.fake_processor import FakeProcessor
from paywell.processors.contract import BadNotice, RawNotice, Report


def ring(world: World, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch, *, good: bool = False) -> None:
    def read(notice: RawNotice) -> list[Report]:
        if good:
            return [Report(event_id=f"evt_{notice.received_at.timestamp()}", charge_ref="ch_1")]
        raise BadNotice("The notice is outside the time window.")

    monkeypatch.setattr(processor, "read_notice", read)
    account = ProcessorAccount.objects.get(pk=world.processor_account.pk)
    notice = RawNotice(b"{}", {}, "https://a.example.org/", clock.now())
    if good:
        receive_notice(account=account, notice=notice)
        return
    with pytest.raises(BadNotice):
        receive_notice(account=account, notice=notice)


def kinds() -> list[str]:
    return sorted(Review.objects.values_list("kind", flat=True))


def test_f54_three_refused_notices_in_a_row_are_told_once(
    world: World, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        ring(world, processor, monkeypatch)
    assert kinds() == []
    for _ in range(20):
        ring(world, processor, monkeypatch)
    review = Review.objects.get()
    assert (review.kind, review.detail) == ("notices_refused", "The notice is outside the time window.")
    assert ProcessorAccount.objects.get().notices_refused == 3


def test_f54_a_good_notice_between_bad_ones_is_no_row(
    world: World, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        ring(world, processor, monkeypatch)
        ring(world, processor, monkeypatch)
        ring(world, processor, monkeypatch, good=True)
    assert kinds() == []


def test_f52_f54_an_hour_without_a_notice_after_a_payment_is_told_once(
    world: World, processor: FakeProcessor
) -> None:
    start_payment(viewer=world.viewer, form=make_form(make_line(world)))
    for minutes, told in ((50, []), (70, ["notices_silent"]), (130, ["notices_silent"])):
        with clock.set_to(clock.now() + timedelta(minutes=minutes)):
            sweep_all()
        assert kinds() == told


def test_f54_no_payment_no_silence(world: World, processor: FakeProcessor) -> None:
    with clock.set_to(clock.now() + timedelta(hours=30)):
        sweep_all()
    assert kinds() == []


def test_f54_a_notice_that_came_is_no_silence(
    world: World, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_payment(viewer=world.viewer, form=make_form(make_line(world)))
    ring(world, processor, monkeypatch, good=True)
    with clock.set_to(clock.now() + timedelta(minutes=70)):
        sweep_all()
    assert kinds() == []


@pytest.mark.parametrize(("seconds", "told"), [(-360, ["clock_differs"]), (60, []), (360, ["clock_differs"])])
def test_f55_a_clock_that_is_minutes_off_is_told(
    seconds: int, told: list[str], world: World, processor: FakeProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "_skews", {"pay.example.org": timedelta(seconds=seconds)})
    sweep_all()
    assert kinds() == told


def test_notices_of_a_disconnected_account_are_not_missed(world: World, processor: FakeProcessor) -> None:
    start_payment(viewer=world.viewer, form=make_form(make_line(world)))
    processor_accounts.disconnect_processor(practice=world.practice, actor_id=None)
    with clock.set_to(clock.now() + timedelta(minutes=70)):
        sweep_all()
    assert kinds() == []
