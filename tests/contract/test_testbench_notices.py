"""What the test processor can be told to do with its notices: send them twice, late, forged, or not at all."""

from __future__ import annotations

import pytest

from paywell.processors.contract import BadNotice
from tests.contract.rig import TestbenchRig, wait_until


def test_notices_sent_twice_or_replayed_carry_the_same_event(bench: TestbenchRig) -> None:
    bench.turn_notices_on()
    bench.paid()
    (first,) = bench.processor.read_notice(bench.collect_notices(1)[0])
    bench.script("notice", "twice")
    bench.paid()
    bench.collect_notices(3)
    bench.repeat_notices()
    events = [bench.processor.read_notice(each)[0].event_id for each in bench.collect_notices(6)]
    assert len(events) == 6
    assert sorted(events.count(event) for event in set(events)) == [2, 4]
    assert events.count(first.event_id) == 2


def test_held_notices_arrive_out_of_order(bench: TestbenchRig) -> None:
    bench.turn_notices_on()
    bench.script("notice", "held", times=2)
    order = bench.paid()
    bench.refund_there(order.processor_ref, 100)
    bench.release_notices()
    kinds = [bench.processor.read_notice(each)[0].kind for each in bench.collect_notices(2)]
    assert kinds == ["refund.succeeded", "charge.succeeded"]


def test_lost_and_forged_notices_are_possible(bench: TestbenchRig) -> None:
    bench.turn_notices_on()
    bench.script("notice", "lost")
    bench.paid()
    bench.script("notice", "forged")
    bench.paid()
    wait_until(lambda: [each["state"] for each in bench.notices_there()] == ["lost", "sent"])
    (forged,) = bench.collect_notices(1)
    with pytest.raises(BadNotice):
        bench.processor.read_notice(forged)


def test_a_notice_that_finds_nobody_is_tried_again_and_then_given_up(bench: TestbenchRig) -> None:
    bench.connected(notice_url="http://127.0.0.1:9/").check_setup()
    bench.paid()
    wait_until(lambda: [(each["state"], each["tries"]) for each in bench.notices_there()] == [("given_up", 2)])
