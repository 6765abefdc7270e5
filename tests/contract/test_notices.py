"""Notices of every processor: genuine ones are understood, everything else is turned away."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from paywell.core.ids import new_key
from paywell.processors.contract import BadNotice, RawNotice, Report
from tests.contract.rig import Rig


@pytest.fixture
def noticed(rig: Rig) -> tuple[Rig, RawNotice, Report]:
    """A rig, a genuine notice of one payment, and what it is read as."""
    rig.turn_notices_on()
    order = rig.paid()
    for notice in rig.collect_notices(1):
        for report in rig.processor.read_notice(notice):
            if (report.charge_ref, report.reference) == (order.processor_ref, order.reference):
                return rig, notice, report
    raise AssertionError("No notice names the payment by their number and by ours.")


Noticed = tuple[Rig, RawNotice, Report]


def refuses(rig: Rig, *notices: RawNotice) -> None:
    processor = rig.connected()
    for notice in notices:
        with pytest.raises(BadNotice):
            processor.read_notice(notice)


def test_a_genuine_notice_has_an_id_and_a_kind_and_is_not_of_the_live_mode(noticed: Noticed) -> None:
    _, _, report = noticed
    assert report.event_id
    assert report.kind
    assert not report.live_mode  # Square's and Authorize.Net's are told apart by their secrets alone


def test_header_names_may_come_in_any_case(noticed: Noticed) -> None:
    rig, notice, report = noticed
    for change in (str.lower, str.upper):
        headers = {change(name): value for name, value in notice.headers.items()}
        assert rig.processor.read_notice(replace(notice, headers=headers)) == [report]


def test_f17_a_changed_body_is_refused(noticed: Noticed) -> None:
    rig, notice, report = noticed
    other = notice.body.replace(report.charge_ref.encode(), b"1" * len(report.charge_ref))
    assert other != notice.body
    refuses(rig, *(replace(notice, body=body) for body in (other, notice.body + b" ", notice.body[:-1], b"")))


def test_f17_a_notice_without_or_with_a_wrong_signature_is_refused(noticed: Noticed) -> None:
    rig, notice, _ = noticed
    right = notice.headers[rig.signature_header]
    swapped = right[:-3] + ("0" if right[-3] != "0" else "1") + right[-2:]
    wrong = ["", " ", "garbage", "é", right[1:], right[:-3], right + "00", right[::-1], swapped, f"{right}é"]
    if rig.signs_moment:
        moment, signature = right.split(",")
        wrong += [
            moment, signature, f"{moment},v1=", f"{moment},v1={'0' * 64}", f"{moment},v0={signature[3:]}",
            f"t=x,{signature}", f"t=-1,{signature}", f"t=²,{signature}", f"t={'9' * 400},{signature}",
        ]  # fmt: skip
    refuses(rig, replace(notice, headers={}))
    refuses(rig, *(replace(notice, headers={rig.signature_header: header}) for header in wrong))


@pytest.mark.parametrize(
    "secrets", [{}, {"notice_secret": ""}, {"notice_secret": "", "previous_notice_secret": ""}]
)
def test_f17_without_a_secret_nothing_is_accepted(noticed: Noticed, secrets: dict[str, str]) -> None:
    rig, notice, _ = noticed
    by_nothing = rig.sealed(notice, secret="")
    rig.secrets = {rig.key_name: rig.secrets[rig.key_name], **secrets}
    refuses(rig, notice, by_nothing)


def test_f17_another_account_s_secret_is_refused(noticed: Noticed) -> None:
    rig, notice, _ = noticed
    refuses(rig, rig.sealed(notice, secret=new_key()))


def test_f54_while_the_secret_changes_both_are_accepted_and_the_old_one_no_longer_after(noticed: Noticed) -> None:
    rig, notice, report = noticed
    old, new = rig.secrets["notice_secret"], new_key()
    rig.secrets = rig.secrets | {"notice_secret": new, "previous_notice_secret": old}
    processor = rig.connected()
    assert processor.read_notice(notice) == [report]
    assert processor.read_notice(rig.sealed(notice, secret=new)) == [report]
    refuses(rig, rig.sealed(notice, secret=new_key()))
    rig.secrets = rig.secrets | {"previous_notice_secret": ""}
    refuses(rig, notice)


@pytest.mark.parametrize(("late_s", "accepted"), [(-310, False), (-290, True), (290, True), (310, False)])
def test_f55_a_notice_is_good_for_five_minutes_on_both_sides(noticed: Noticed, late_s: int, accepted: bool) -> None:
    rig, notice, report = noticed
    moved = replace(rig.sealed(notice), received_at=notice.received_at + timedelta(seconds=late_s))
    if accepted or not rig.signs_moment:
        # Where a signature names no moment, no clock can be wrong: a replay is caught by its id (F18).
        assert rig.processor.read_notice(moved) == [report]
    else:
        refuses(rig, moved)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{}", b'{"id": "evt_1"}', b"<html>", b"\xc3", b'{"id":1,"type":2,"data":3}']
)
def test_a_signed_notice_that_can_t_be_read_is_refused(noticed: Noticed, body: bytes) -> None:
    rig, notice, _ = noticed
    if body == b"\xc3" and rig.name.startswith("stripe"):
        pytest.skip("Stripe signs text: what is no text can't be signed")
    refuses(rig, rig.sealed(notice, body=body))


def test_f48_the_same_notice_tells_the_same_event_and_another_one_another(noticed: Noticed) -> None:
    rig, notice, report = noticed
    assert [rig.processor.read_notice(notice) for _ in range(3)] == [[report]] * 3
    before = len(rig.collect_notices(1))
    rig.paid()
    others = rig.collect_notices(before + 1)[before:]
    told = [each.event_id for other in others for each in rig.processor.read_notice(other)]
    assert told
    assert report.event_id not in told
    assert len(set(told)) == len(told)


def test_f56_what_else_a_notice_holds_does_not_matter(noticed: Noticed) -> None:
    rig, notice, report = noticed
    body = json.loads(notice.body) | {"a_field_of_next_year": {"amount": 1}, "api_version": "2099-01-01"}
    assert rig.processor.read_notice(rig.sealed(notice, body=json.dumps(body).encode())) == [report]
