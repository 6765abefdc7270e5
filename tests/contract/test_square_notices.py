"""Notices of Square: genuine ones are understood, everything else is turned away."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace

import pytest

from paywell.core.clock import now
from paywell.processors import registry
from paywell.processors.contract import BadNotice, Connection, RawNotice
from tests.contract.rig import new_refund
from tests.contract.square_rig import SquareRig

HEADER = "X-Square-Hmacsha256-Signature"


def test_a_genuine_notice_names_the_payment(square: SquareRig) -> None:
    order = square.paid()
    for notice in square.collect_notices(2):
        (report,) = square.processor.read_notice(notice)
        assert (report.charge_ref, report.reference) == (order.processor_ref, order.reference)
        lower = replace(notice, headers={HEADER.lower(): notice.headers[HEADER]})
        assert square.processor.read_notice(lower) == [report]


def test_a_refund_and_a_dispute_name_their_payment(square: SquareRig) -> None:
    order = square.paid()
    square.processor.refund(new_refund(order, 100))
    square.fake.notify(
        square.account, "dispute.created",
        {"dispute": {"id": "d1", "disputed_payment": {"payment_id": order.processor_ref}}},
    )  # fmt: skip
    reports = [square.processor.read_notice(each)[0] for each in square.collect_notices(4)[2:]]
    assert {each.kind for each in reports} == {"refund.created", "payment.updated", "dispute.created"}
    assert {each.charge_ref for each in reports} == {order.processor_ref}


def test_other_news_names_no_payment(square: SquareRig) -> None:
    event = {"type": "catalog.version.updated", "event_id": "e1", "data": {"type": "catalog", "id": ""}}
    (report,) = square.processor.read_notice(square.signed(event))
    assert (report.charge_ref, report.reference, report.event_id) == ("", "", "e1")


def test_the_signature_covers_the_address_that_square_has_on_file(square: SquareRig) -> None:
    square.paid()
    event = square.account.notices[0]
    assert square.processor.read_notice(square.signed(event))  # though a proxy called another one
    with pytest.raises(BadNotice):
        square.processor.read_notice(square.signed(event, url="https://portal.example.org/elsewhere/"))


def test_the_published_scheme() -> None:
    """Base64 of HMAC-SHA256 over address and body, computed here by hand."""
    address, body = "https://example.com/webhook", b'{"type":"x","event_id":"1","data":{}}'
    digest = hmac.new(b"asdf1234", address.encode() + body, hashlib.sha256).digest()
    processor = registry.connect(
        "square", Connection({"notice_url": address}, {"notice_secret": "asdf1234"}, False)
    )
    notice = RawNotice(body, {HEADER: base64.b64encode(digest).decode()}, "", now())
    assert processor.read_notice(notice)[0].event_id == "1"


def test_signed_rubbish_is_refused(square: SquareRig) -> None:
    for body in ({}, [], None, {"type": "x", "event_id": "1", "data": {"object": {"payment": {}}}}):
        with pytest.raises(BadNotice):
            square.processor.read_notice(square.signed(body))
