"""Notices of Authorize.Net: genuine ones are understood, everything else is turned away."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace

import pytest

from paywell.core.clock import now
from paywell.payments.orders import ask_about
from paywell.processors import registry
from paywell.processors.contract import (
    BadNotice,
    ChargeOrder,
    Connection,
    RawNotice,
)
from tests.contract.authorize_net_rig import AuthorizeNetRig
from tests.contract.rig import new_refund


def noticed(rig: AuthorizeNetRig) -> tuple[RawNotice, ChargeOrder]:
    order = rig.paid()
    return rig.collect_notices(1)[-1], order


def test_a_genuine_notice_names_the_charge(authorize_net: AuthorizeNetRig) -> None:
    notice, order = noticed(authorize_net)
    (report,) = authorize_net.processor.read_notice(notice)
    assert (report.charge_ref, report.reference, report.live_mode) == (order.processor_ref, order.reference, False)
    assert report.event_id == json.loads(notice.body)["notificationId"]


def test_the_notice_of_our_refund_names_the_payment_and_one_of_theirs_leads_to_it(
    authorize_net: AuthorizeNetRig,
) -> None:
    rig = authorize_net
    order = rig.paid()
    rig.settle_day()
    rig.processor.refund(new_refund(order, 100))
    rig.refund_there(order.processor_ref, 200)
    ours, theirs = (rig.processor.read_notice(each)[0] for each in rig.collect_notices(3)[1:])
    assert (ours.charge_ref, ours.reference) == ("", order.reference)
    assert theirs.reference == ""
    told = rig.processor.look_up(ask_about(theirs.charge_ref))
    assert (told.processor_ref, told.reference) == (order.processor_ref, order.reference)
    assert [each.money.minor for each in told.refunds] == [200]  # ours is settled: the sweep tells of it


def test_notices_about_anything_but_payments_name_no_charge(authorize_net: AuthorizeNetRig) -> None:
    event = {
        "notificationId": "n1", "eventType": "net.authorize.customer.created",
        "payload": {"entityName": "customerProfile", "id": "394"},
    }  # fmt: skip
    (report,) = authorize_net.processor.read_notice(authorize_net.signed(event))
    assert (report.charge_ref, report.reference) == ("", "")


def test_a_published_notice_is_verified_with_the_key_as_text() -> None:
    """Made by the real gateway in 2017 and published with its key. Hex-decoding the key would fail here."""
    key = (
        "52CB4A002C634B84E397DC8A218E1A160BA7CAB7CBE4C05B35E9CBB05E14FE4A"
        "2385812E980CCF97D177F17863CE214D1BE6CE8E1E894487AACF3609C1A5FE17"
    )
    body = (
        b'{"notificationId":"182cbbff-cab2-4080-931d-80e5d818f23a",'
        b'"eventType":"net.authorize.payment.authcapture.created","eventDate":"2017-08-18T20:40:52.7722007Z",'
        b'"webhookId":"849eb87e-078a-4169-a34b-c0bded5019a8","payload":{"responseCode":0,"authCode":"Z3PV5H",'
        b'"avsResponse":"Y","authAmount":0.0,"entityName":"transaction","id":"40005915599"}}'
    )
    signature = (
        "A1E0CC0F8A7B6274E0951CAC5EB63579F70FC6B7B15384B146DCE02B98DEE395"
        "4A5A8E331661B51DE953E141E88994DFA7D267FFB8428BE0660511B6EFB94960"
    )
    processor = registry.connect("authorize_net", Connection({}, {"notice_secret": key}, False))
    notice = RawNotice(body, {"X-ANET-Signature": f"sha512={signature}"}, "", now())
    assert processor.read_notice(notice)[0].charge_ref == "40005915599"
    assert hmac.new(bytes.fromhex(key), body, hashlib.sha512).hexdigest().upper() != signature
    with pytest.raises(BadNotice):
        processor.read_notice(replace(notice, body=body.replace(b"0.0", b"0.00")))  # raw bytes only


def test_forged_and_unsigned_notices_are_refused(authorize_net: AuthorizeNetRig) -> None:
    rig = authorize_net
    notice, _ = noticed(rig)
    header = notice.headers["X-ANET-Signature"]
    assert rig.processor.read_notice(replace(notice, headers={"x-anet-signature": header.lower()}))
    for wrong in ("", "garbage", "sha512=", header[:-1], header[7:], "sha256=" + header[7:], "sha512=é"):
        with pytest.raises(BadNotice):
            rig.processor.read_notice(replace(notice, headers={"X-ANET-Signature": wrong}))
    with pytest.raises(BadNotice):
        rig.processor.read_notice(replace(notice, headers={}))
    empty = hmac.new(b"", notice.body, hashlib.sha512).hexdigest()
    rig.secrets["notice_secret"] = " "
    with pytest.raises(BadNotice):
        rig.connected().read_notice(replace(notice, headers={"X-ANET-Signature": f"sha512={empty}"}))


def test_signed_rubbish_is_refused(authorize_net: AuthorizeNetRig) -> None:
    for body in ({}, [], None, {"eventType": "net.authorize.payment.x", "notificationId": "1", "payload": [1]}):
        with pytest.raises(BadNotice):
            authorize_net.processor.read_notice(authorize_net.signed(body))  # type: ignore[arg-type]
