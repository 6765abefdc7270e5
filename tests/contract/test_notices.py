"""Notices: genuine ones are understood, everything else is turned away."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from paywell.core.ids import new_key
from paywell.processors.contract import BadNotice, RawNotice, Report
from tests.contract.rig import TestbenchRig, wait_until


@pytest.fixture
def rig(bench: TestbenchRig) -> TestbenchRig:
    """The test processor's own requests and headers; each real one has such tests in its own file."""
    return bench


@pytest.fixture
def noticed(rig: TestbenchRig) -> tuple[TestbenchRig, RawNotice, Report]:
    """A rig, a genuine notice of one payment, and what it must be read as."""
    rig.turn_notices_on()
    order = rig.paid()
    (notice,) = rig.collect_notices(1)
    event = json.loads(notice.body)["id"]
    return rig, notice, Report(event, order.processor_ref, order.reference, "charge.succeeded", False)


Noticed = tuple[TestbenchRig, RawNotice, Report]


def signed(notice: RawNotice, header: str) -> RawNotice:
    return replace(notice, headers={"Test-Signature": header})


def test_a_genuine_notice_is_read(noticed: Noticed) -> None:
    rig, notice, report = noticed
    assert rig.processor.read_notice(notice) == [report]


def test_header_names_may_come_in_any_case(noticed: Noticed) -> None:
    rig, notice, report = noticed
    lower: Mapping[str, str] = {name.lower(): value for name, value in notice.headers.items()}
    assert rig.processor.read_notice(replace(notice, headers=lower)) == [report]


def test_a_changed_body_is_refused(noticed: Noticed) -> None:
    rig, notice, _ = noticed
    for body in (notice.body + b" ", notice.body.replace(b"succeeded", b"refunded"), b""):
        with pytest.raises(BadNotice):
            rig.processor.read_notice(replace(notice, body=body))


def test_a_notice_without_or_with_a_wrong_signature_is_refused(noticed: Noticed) -> None:
    rig, notice, _ = noticed
    sent_at, signature = notice.headers["Test-Signature"].split(",")
    wrong = [
        "", "garbage", sent_at, signature, f"{sent_at},v1=", f"{sent_at},v1={'0' * 64}",
        f"{sent_at},{signature[:-1]}", f"t=x,{signature}", f"t=-1,{signature}", f"t=²,{signature}",
        f"{sent_at},v1=é", f"t={'9' * 400},{signature}",
    ]  # fmt: skip
    for header in wrong:
        with pytest.raises(BadNotice):
            rig.processor.read_notice(signed(notice, header))
    with pytest.raises(BadNotice):
        rig.processor.read_notice(replace(notice, headers={}))


@pytest.mark.parametrize(
    "secrets", [{}, {"notice_secret": ""}, {"notice_secret": "", "previous_notice_secret": ""}]
)
def test_without_a_secret_nothing_is_accepted(noticed: Noticed, secrets: dict[str, str]) -> None:
    import hashlib
    import hmac

    rig, notice, _ = noticed
    sent_at = notice.headers["Test-Signature"].split(",")[0]
    with_empty_key = hmac.new(b"", sent_at[2:].encode() + b"." + notice.body, hashlib.sha256).hexdigest()
    rig.secrets = {"api_key": rig.secrets["api_key"], **secrets}
    for each in (notice, signed(notice, f"{sent_at},v1={with_empty_key}")):
        with pytest.raises(BadNotice):
            rig.connected().read_notice(each)


def test_another_account_s_secret_is_refused(noticed: Noticed) -> None:
    rig, notice, _ = noticed
    rig.secrets = {**rig.secrets, "notice_secret": new_key()}
    with pytest.raises(BadNotice):
        rig.connected().read_notice(notice)


def test_while_the_secret_changes_both_are_accepted(noticed: Noticed) -> None:
    rig, notice, report = noticed
    rig.secrets = {
        **rig.secrets,
        "notice_secret": new_key(),
        "previous_notice_secret": rig.secrets["notice_secret"],
    }
    assert rig.connected().read_notice(notice) == [report]


@pytest.mark.parametrize(("late_s", "accepted"), [(-310, False), (-290, True), (290, True), (310, False)])
def test_f55_a_notice_is_good_for_five_minutes_on_both_sides(noticed: Noticed, late_s: int, accepted: bool) -> None:
    rig, notice, report = noticed
    sent_at = int(notice.headers["Test-Signature"].split(",")[0][2:])
    shift = timedelta(seconds=late_s + sent_at - notice.received_at.timestamp())
    moved = replace(notice, received_at=notice.received_at + shift)
    if accepted:
        assert rig.processor.read_notice(moved) == [report]
    else:
        with pytest.raises(BadNotice):
            rig.processor.read_notice(moved)


def test_a_signed_notice_that_can_t_be_read_is_refused(noticed: Noticed) -> None:
    import hashlib
    import hmac

    rig, notice, _ = noticed
    sent_at = notice.headers["Test-Signature"].split(",")[0]
    for body in (b"", b"[]", b"null", b"{}", b'{"id": "evt_1"}', b"<html>", b"\xff", b'{"id":1,"type":2,"data":3}'):
        digest = hmac.new(
            rig.secrets["notice_secret"].encode(), sent_at[2:].encode() + b"." + body, hashlib.sha256
        ).hexdigest()
        with pytest.raises(BadNotice):
            rig.processor.read_notice(signed(replace(notice, body=body), f"{sent_at},v1={digest}"))


def test_notices_sent_twice_or_replayed_carry_the_same_event(noticed: Noticed) -> None:
    rig, _, first = noticed
    rig.script("notice", "twice")
    rig.paid()
    rig.collect_notices(3)
    rig.repeat_notices()
    events = [rig.processor.read_notice(each)[0].event_id for each in rig.collect_notices(6)]
    assert len(events) == 6
    assert sorted(events.count(event) for event in set(events)) == [2, 4]
    assert events.count(first.event_id) == 2


def test_held_notices_arrive_out_of_order(rig: TestbenchRig) -> None:
    rig.turn_notices_on()
    rig.script("notice", "held", times=2)
    order = rig.paid()
    rig.refund_there(order.processor_ref, 100)
    rig.release_notices()
    kinds = [rig.processor.read_notice(each)[0].kind for each in rig.collect_notices(2)]
    assert kinds == ["refund.succeeded", "charge.succeeded"]


def test_lost_and_forged_notices_are_possible(rig: TestbenchRig) -> None:
    rig.turn_notices_on()
    rig.script("notice", "lost")
    rig.paid()
    rig.script("notice", "forged")
    rig.paid()
    wait_until(lambda: [each["state"] for each in rig.notices_there()] == ["lost", "sent"])
    (forged,) = rig.collect_notices(1)
    with pytest.raises(BadNotice):
        rig.processor.read_notice(forged)


def test_a_notice_that_finds_nobody_is_tried_again_and_then_given_up(rig: TestbenchRig) -> None:
    rig.connected(notice_url="http://127.0.0.1:9/").check_setup()
    rig.paid()
    wait_until(lambda: [(each["state"], each["tries"]) for each in rig.notices_there()] == [("given_up", 2)])
