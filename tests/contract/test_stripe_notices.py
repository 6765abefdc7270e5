"""Stripe's notices: genuine ones are understood, everything else is turned away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from paywell.processors.contract import RawNotice
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
