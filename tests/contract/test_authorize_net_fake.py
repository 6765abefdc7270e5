"""The stand-in for Authorize.Net against what is published about the real one."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import httpx
import pytest
from lxml import etree

from paywell.core.ids import new_reference
from paywell.processors.connectors.authorize_net import asking
from paywell.processors.connectors.authorize_net.client import Answer, Api, Refused, build
from paywell.processors.contract import Connection
from tests.contract import rig as cards
from tests.contract.authorize_net_fake import BOM, NS
from tests.contract.authorize_net_rig import AuthorizeNetRig
from tests.contract.authorize_net_schema import ABSENT, read_schema
from tests.contract.rig import new_order, new_refund


def api_of(rig: AuthorizeNetRig) -> Api:
    return Api.of(Connection(rig.settings, rig.secrets, False))


def raw(rig: AuthorizeNetRig, body: bytes) -> httpx.Response:
    return httpx.post(f"{rig.base_url}/xml/v1/request.api", content=body)


def reason_of(answer: Answer) -> tuple[str, str, str]:
    found = "transactionResponse/"
    return (
        answer.text(found + "responseCode"),
        answer.text(found + "errors/error/errorCode"),
        answer.text(found + "transId"),
    )


def test_answers_begin_with_a_byte_order_mark_and_fit_the_schema(authorize_net: AuthorizeNetRig) -> None:
    schema = read_schema()
    if schema is None:
        pytest.skip(ABSENT)
    rig, api = authorize_net, api_of(authorize_net)
    saved = rig.pay(rig.opened(), save=True).saved_card
    assert saved is not None
    rig.settle_day()
    charge = rig.paid()
    for request, *named in (
        ("getMerchantDetailsRequest",),
        ("getCustomerProfileRequest", ("customerProfileId", saved.customer_ref)),
        ("getUnsettledTransactionListRequest",),
        ("getTransactionDetailsRequest", ("transId", charge.processor_ref)),
        ("getHostedPaymentPageRequest", *asking.hosted_page(new_order(), saved.customer_ref)),
        ("createTransactionRequest", *asking.void(charge.processor_ref)),
        ("createTransactionRequest", *asking.void("60999999999")),
    ):
        name = ("merchantAuthentication", [("name", api.login_id), ("transactionKey", api.transaction_key)])
        body = raw(rig, build(request, [name, *named])).content
        assert body.startswith(BOM)
        schema.assertValid(etree.fromstring(body.removeprefix(BOM)))


def test_elements_out_of_order_are_refused(authorize_net: AuthorizeNetRig) -> None:
    if read_schema() is None:
        pytest.skip(ABSENT)
    api = api_of(authorize_net)
    (page,) = asking.hosted_page(new_order(), "")[:1]
    assert page is not None
    name, children = page
    with pytest.raises(Refused) as refusal:
        api.ask("getHostedPaymentPageRequest", (name, list(reversed(children))))  # type: ignore[arg-type]
    assert refusal.value.code == "E00003"
    with pytest.raises(Refused):
        api.ask("getMerchantDetailsRequest", reference="X" * 21)


def test_a_wrong_key_is_e00007(authorize_net: AuthorizeNetRig) -> None:
    authorize_net.secrets["transaction_key"] = "wrong"
    with pytest.raises(Refused) as refusal:
        api_of(authorize_net).ask("getMerchantDetailsRequest")
    assert refusal.value.code == "E00007"


def test_a_profile_of_the_same_name_is_a_duplicate_that_names_the_first(authorize_net: AuthorizeNetRig) -> None:
    api, name = api_of(authorize_net), new_reference()
    first = api.ask("createCustomerProfileRequest", *asking.customer(name)).text("customerProfileId")
    with pytest.raises(Refused) as refusal:
        api.ask("createCustomerProfileRequest", *asking.customer(name))
    assert (refusal.value.code, first in refusal.value.text) == ("E00039", True)


def test_before_settlement_only_a_void_and_afterwards_only_a_refund(authorize_net: AuthorizeNetRig) -> None:
    rig, api = authorize_net, api_of(authorize_net)
    charge = rig.paid()
    refund = asking.refund(new_refund(charge, 100), "4242")
    assert reason_of(api.send("createTransactionRequest", *refund)) == ("3", "54", "0")
    rig.settle_day()
    assert reason_of(api.send("createTransactionRequest", *asking.void(charge.processor_ref))) == ("3", "16", "0")
    code, _, number = reason_of(api.send("createTransactionRequest", *refund))
    assert (code, number.isdigit(), number != "0") == ("1", True, True)


def test_the_same_refund_again_is_a_duplicate_and_more_than_was_paid_is_refused(
    authorize_net: AuthorizeNetRig,
) -> None:
    rig, api = authorize_net, api_of(authorize_net)
    charge = rig.paid()
    rig.settle_day()
    refund = asking.refund(new_refund(charge, 7000), "4242")
    assert reason_of(api.send("createTransactionRequest", *refund))[0] == "1"
    assert reason_of(api.send("createTransactionRequest", *refund)) == ("3", "11", "0")
    other = asking.refund(new_refund(charge, 7000), "4242")
    assert reason_of(api.send("createTransactionRequest", *other)) == ("3", "55", "0")


def test_the_clock_settles_what_was_taken(authorize_net: AuthorizeNetRig) -> None:
    rig = authorize_net
    charge = rig.paid()
    declined = rig.opened()
    rig.pay(declined, cards.DECLINED)
    rig.account.next_settlement = rig.fake.now() - timedelta(seconds=1)
    assert rig.processor.look_up(charge).verdict == "succeeded"
    by_status = sorted(each.status for each in rig.account.transactions.values())
    assert by_status == ["declined", "settledSuccessfully"]
    assert all(each.batch for each in rig.account.transactions.values())


def test_a_page_s_token_ends_after_a_quarter_of_an_hour(authorize_net: AuthorizeNetRig) -> None:
    rig = authorize_net
    order = rig.opened()
    step = rig.steps[order.reference]
    assert httpx.post(step.url, data=dict(step.fields)).status_code == 200
    rig.fake.pages[step.fields["token"]].until = rig.fake.now()
    assert httpx.post(step.url, data=dict(step.fields)).status_code == 400


def test_the_page_refuses_the_same_card_for_the_same_invoice_again(authorize_net: AuthorizeNetRig) -> None:
    rig = authorize_net
    order = rig.opened()
    form = {"method": "new", "number": cards.PAID, "zip": "94107"}
    first = rig.submit_page(order, form)
    again = rig.submit_page(order, form)
    assert first is not None
    assert again is not None
    assert (first.status_code, again.status_code) == (302, 200)
    assert "duplicate" in again.text
    assert [each.amount for each in rig.charged_there()] == [Decimal("120.00")]


def test_zip_46282_declines(authorize_net: AuthorizeNetRig) -> None:
    rig = authorize_net
    order = rig.opened()
    rig.submit_page(order, {"method": "new", "number": cards.PAID, "zip": "46282"})
    assert rig.charged_there() == []


def test_the_namespace_is_the_published_one() -> None:
    assert NS == "AnetApi/xml/v1/schema/AnetApiSchema.xsd"
