"""Stripe's notices: genuine ones are understood, everything else is turned away."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from paywell.core.clock import now
from paywell.processors.contract import BadNotice, RawNotice
from tests.contract.stripe_fake.web import sign
from tests.contract.stripe_rig import StripeRig


@pytest.fixture(params=["stripe", "stripe_checkout"])
def rig(request: pytest.FixtureRequest) -> StripeRig:
    wanted: StripeRig = request.getfixturevalue(request.param)
    return wanted


def noticed(rig: StripeRig, kind: str) -> RawNotice:
    return rig.notice(next(each for each in rig.account.events if each["type"] == kind))


def test_a_genuine_notice_names_the_charge_and_our_reference(stripe: StripeRig, stripe_checkout: StripeRig) -> None:
    order = stripe.paid()
    (report,) = stripe.processor.read_notice(noticed(stripe, "payment_intent.succeeded"))
    assert (report.charge_ref, report.reference, report.live_mode) == (order.processor_ref, order.reference, False)
    order = stripe_checkout.paid()
    (report,) = stripe_checkout.processor.read_notice(noticed(stripe_checkout, "checkout.session.completed"))
    assert (report.charge_ref, report.reference) == (order.processor_ref, order.reference)


def test_refunds_and_disputes_name_their_charge(rig: StripeRig) -> None:
    order = rig.paid()
    rig.refund_there(order.processor_ref, 100)
    rig.dispute(order.processor_ref, 11900)
    intent = rig.intent(order.processor_ref)["id"]
    for kind in ("refund.created", "charge.dispute.created"):
        (report,) = rig.processor.read_notice(noticed(rig, kind))
        assert (report.charge_ref, report.reference) == (intent, "")
    told = rig.processor.look_up(replace(order, reference="", processor_ref=intent))
    assert told.reference == order.reference  # by which the payment is found


def test_notices_about_what_is_not_ours_are_no_news(rig: StripeRig) -> None:
    rig.account.tell("payment_intent.succeeded", {"id": "pi_x", "object": "payment_intent", "metadata": {}})
    rig.account.tell("customer.created", {"id": "cus_x", "object": "customer"})
    for event in rig.account.events:
        assert rig.processor.read_notice(rig.notice(event)) == []


def test_present_and_previous_secret_are_good_and_no_other(rig: StripeRig) -> None:
    rig.paid()
    event = rig.account.events[-1]
    rig.secrets |= {"previous_notice_secret": "whsec_before"}
    processor = rig.connected()
    assert processor.read_notice(rig.notice(event)) == processor.read_notice(rig.notice(event, "whsec_before"))
    with pytest.raises(BadNotice):
        processor.read_notice(rig.notice(event, "whsec_of_another"))


def test_without_a_secret_nothing_is_accepted(rig: StripeRig) -> None:
    rig.paid()
    event = rig.account.events[-1]
    genuine = rig.notice(event)
    at = event["created"]
    for empty in ({}, {"notice_secret": ""}, {"notice_secret": "", "previous_notice_secret": ""}):
        rig.secrets = {"secret_key": rig.account.secret_key, **empty}
        by_nothing = {"Stripe-Signature": sign(genuine.body.decode(), "", at)}
        for notice in (genuine, replace(genuine, headers=by_nothing)):
            with pytest.raises(BadNotice):
                rig.connected().read_notice(notice)


def test_a_changed_unsigned_or_garbled_notice_is_refused(rig: StripeRig) -> None:
    rig.paid()
    genuine = rig.notice(rig.account.events[-1])
    sent_at, signature = genuine.headers["Stripe-Signature"].split(",")
    headers = [
        "", "garbage", sent_at, signature, f"{sent_at},v1=", f"{sent_at},v1={'0' * 64}",
        f"{sent_at},{signature[:-1]}", f"t=x,{signature}", f"t=-1,{signature}", f"t=²,{signature}",
        f"{sent_at},v1=é", f"t={'9' * 400},{signature}", f"{sent_at},v0={signature[3:]}",
    ]  # fmt: skip
    wrong = [replace(genuine, headers={"Stripe-Signature": header}) for header in headers]
    wrong += [replace(genuine, headers={}), replace(genuine, body=genuine.body + b" "), replace(genuine, body=b"")]
    for notice in wrong:
        with pytest.raises(BadNotice):
            rig.processor.read_notice(notice)
    lower = {name.lower(): value for name, value in genuine.headers.items()}
    assert rig.processor.read_notice(replace(genuine, headers=lower)) == rig.processor.read_notice(genuine)


@pytest.mark.parametrize(
    "body", ["", "[]", "null", "{}", '{"id": "evt_1"}', "<html>", '{"id":1,"type":2,"data":3}']
)
def test_a_signed_notice_that_can_t_be_read_is_refused(rig: StripeRig, body: str) -> None:
    at = int(now().timestamp())
    headers = {"Stripe-Signature": sign(body, rig.account.notice_secret, at)}
    with pytest.raises(BadNotice):
        rig.processor.read_notice(RawNotice(body.encode(), headers, "https://x/", datetime.fromtimestamp(at, UTC)))


@pytest.mark.parametrize(("late_s", "accepted"), [(-301, False), (-299, True), (299, True), (301, False)])
def test_a_notice_is_good_for_five_minutes(rig: StripeRig, late_s: int, accepted: bool) -> None:
    rig.paid()
    genuine = rig.notice(rig.account.events[-1])
    moved = replace(genuine, received_at=genuine.received_at + timedelta(seconds=late_s))
    if accepted:
        assert rig.processor.read_notice(moved) == rig.processor.read_notice(genuine)
    else:
        with pytest.raises(BadNotice):
            rig.processor.read_notice(moved)
