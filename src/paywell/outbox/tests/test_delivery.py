from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from paywell.core import clock
from paywell.core.ids import new_id
from paywell.outbox.actions import emit
from paywell.outbox.delivery import deliver_due
from paywell.outbox.handlers import register, unregister
from paywell.outbox.models import OutboxEvent

pytestmark = pytest.mark.django_db
KIND = "outbox.tested"


class Ear:
    """A handler that remembers, and fails as often as it is told to."""

    def __init__(self) -> None:
        self.heard: list[OutboxEvent] = []
        self.failures = 0

    def __call__(self, event: OutboxEvent) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("mia@example.org is not reachable")
        self.heard.append(event)


@pytest.fixture
def ear() -> Iterator[Ear]:
    ear = Ear()
    register(KIND, ear)
    yield ear
    unregister(KIND, ear)


def tell(dedupe: str = "one") -> None:
    emit(practice_id=_PRACTICE, kind=KIND, dedupe=dedupe, payload={"attempt_id": "1"})


_PRACTICE = new_id()


def test_an_event_is_written_once_and_delivered_once(ear: Ear) -> None:
    tell()
    tell()
    assert deliver_due() == 1
    assert deliver_due() == 0
    assert [event.payload for event in ear.heard] == [{"attempt_id": "1"}]


def test_registering_a_handler_twice_hears_once(ear: Ear) -> None:
    register(KIND, ear)
    tell()
    deliver_due()
    assert len(ear.heard) == 1


def test_what_nobody_listens_to_is_done(ear: Ear) -> None:
    emit(practice_id=_PRACTICE, kind="outbox.unheard", dedupe="x", payload={})
    assert deliver_due() == 1


def test_a_failure_is_tried_again_with_growing_pauses_and_the_same_id(ear: Ear) -> None:
    tell()
    ear.failures = 2
    began = clock.now() + timedelta(seconds=1)
    tried = {}
    for minute in (0, 0.5, 1.1, 2, 3.2):
        with clock.set_to(began + timedelta(minutes=minute)):
            tried[minute] = deliver_due()
    assert tried == {0: 0, 0.5: 0, 1.1: 0, 2: 0, 3.2: 1}
    event = OutboxEvent.objects.get()
    assert (event.tries, event.last_error, event.lease_until) == (3, "", None)
    assert ear.heard == [event]


def test_an_error_s_words_are_not_kept(ear: Ear) -> None:
    tell()
    ear.failures = 1
    deliver_due()
    assert OutboxEvent.objects.get().last_error == "ConnectionError"


def test_one_event_that_fails_does_not_keep_the_others(ear: Ear) -> None:
    tell("one")
    tell("two")
    ear.failures = 1
    assert deliver_due() == 1


def test_a_leased_event_is_left_alone_until_the_lease_ends(ear: Ear) -> None:
    tell()
    now = clock.now()
    OutboxEvent.objects.update(lease_until=now + timedelta(minutes=5))
    assert deliver_due() == 0
    with clock.set_to(now + timedelta(minutes=6)):
        assert deliver_due() == 1
