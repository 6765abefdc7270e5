"""What only Authorize.Net does: no keys, a page that can't be closed, voids before and refunds after settlement."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import etree

from paywell.core.clock import now
from paywell.core.ids import new_reference
from paywell.core.money import Money
from paywell.processors.connectors.authorize_net import OPEN_WITHIN, PAGE_OVER, AuthorizeNet
from paywell.processors.connectors.authorize_net.client import LIVE_API, LIVE_PAGE, TEST_API, TEST_PAGE, parse
from paywell.processors.contract import (
    ChargeOrder,
    Connection,
    Decline,
    Verdict,
)
from tests.contract import rig as cards
from tests.contract.authorize_net_rig import AuthorizeNetRig
from tests.contract.authorize_net_schema import ABSENT, read_schema
from tests.contract.rig import LABEL, new_order, new_refund


def late(order: ChargeOrder, age: timedelta = PAGE_OVER) -> ChargeOrder:
    """The same order, as old as that."""
    return replace(order, created_at=now() - age)


# Every request, and what it says


def walk_through(rig: AuthorizeNetRig) -> list[bytes]:
    rig.processor.check_setup()
    order = rig.opened()
    saved = rig.pay(order, save=True).saved_card
    assert saved is not None
    rig.pay_saved(rig.opened(customer_ref=saved.customer_ref), saved.token)
    rig.pay(rig.opened(), cards.DECLINED)
    paid = rig.paid()
    rig.processor.refund(new_refund(paid, 12000))
    paid = rig.paid()
    rig.settle_day()
    refund = new_refund(paid, 100)
    rig.processor.refund(refund)
    rig.processor.look_up_refund(refund)
    rig.processor.look_up(paid)
    list(rig.processor.list_since(now() - timedelta(days=35)))
    rig.processor.list_cards(saved.customer_ref)
    rig.processor.forget_card(saved)
    rig.processor.cancel(rig.opened())
    return rig.account.sent


def test_every_request_fits_the_official_schema(authorize_net: AuthorizeNetRig) -> None:
    schema = read_schema()
    if schema is None:
        pytest.skip(ABSENT)
    kinds = set()
    for body in walk_through(authorize_net):
        root = etree.fromstring(body)
        schema.assertValid(root)
        kinds.add(etree.QName(root).localname)
    assert len(kinds) == 12


def test_nothing_but_amount_references_label_and_addresses_is_sent(authorize_net: AuthorizeNetRig) -> None:
    names: set[str] = set()
    settings: set[str] = set()
    for body in walk_through(authorize_net):
        root = etree.fromstring(body)
        names |= {etree.QName(each).localname for each in root.iter()} - {etree.QName(root).localname}
        for each in root.iter("{*}settingName"):
            settings.add(each.text or "")
        text = body.decode()
        assert "@" not in text
        assert not re.search(r"(?<![0-9A-Za-z])[0-9]{13,19}(?![0-9A-Za-z])", text)
    assert names == {
        "merchantAuthentication", "name", "transactionKey", "refId",
        "transactionRequest", "transactionType", "amount", "currencyCode", "order", "invoiceNumber", "refTransId",
        "payment", "creditCard", "cardNumber", "expirationDate",  # of a refund: last four digits and XXXX
        "profile", "customerProfileId", "customerPaymentProfileId", "merchantCustomerId", "unmaskExpirationDate",
        "transactionSettings", "hostedPaymentSettings", "setting", "settingName", "settingValue",
        "transId", "batchId", "sorting", "orderBy", "orderDescending", "paging", "limit", "offset",
        "firstSettlementDate", "lastSettlementDate",
    }  # fmt: skip
    assert settings == {
        "duplicateWindow", "emailCustomer", "hostedPaymentReturnOptions", "hostedPaymentButtonOptions",
        "hostedPaymentOrderOptions", "hostedPaymentPaymentOptions", "hostedPaymentBillingAddressOptions",
        "hostedPaymentShippingAddressOptions", "hostedPaymentCustomerOptions",
    }  # fmt: skip


def test_the_page_asks_for_no_e_mail_sends_no_receipt_and_says_submit(authorize_net: AuthorizeNetRig) -> None:
    rig = authorize_net
    order = rig.opened()
    page = rig.fake.pages[rig.steps[order.reference].fields["token"]]
    assert page.settings["hostedPaymentCustomerOptions"] == {
        "showEmail": False, "requiredEmail": False, "addPaymentProfile": True,
    }  # fmt: skip
    assert page.settings["hostedPaymentButtonOptions"] == {"text": "Submit"}
    assert page.settings["hostedPaymentOrderOptions"]["merchantName"] == LABEL
    assert page.settings["hostedPaymentReturnOptions"]["url"] == order.return_url
    assert page.transaction_settings == {"duplicateWindow": "28800", "emailCustomer": "false"}
    assert (page.invoice, page.ref_id) == (order.reference, order.reference)


def test_live_and_test_mode_share_no_address() -> None:
    settings = {"login_id": "x", "api_url": "http://127.0.0.1:1", "page_url": "http://127.0.0.1:1"}
    secrets = {"transaction_key": "y"}
    live = AuthorizeNet(Connection(settings, secrets, True))
    assert (live.api.base_url, live.api.page_origin) == (LIVE_API, LIVE_PAGE)  # a stand-in's address is not heard
    assert live.hosts().form_action == ("https://accept.authorize.net",)
    test = AuthorizeNet(Connection({"login_id": "x"}, secrets, False))
    assert (test.api.base_url, test.api.page_origin) == (TEST_API, TEST_PAGE)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\xef\xbb\xbf", b"<html/>", b"{}", b"<a>",
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><xResponse>&x;</xResponse>',
        b'<otherResponse><messages><resultCode>Ok</resultCode></messages></otherResponse>',
        b'<xResponse><messages><resultCode>Perhaps</resultCode></messages></xResponse>',
    ],
)  # fmt: skip
def test_what_is_no_answer_is_not_read_as_one(body: bytes) -> None:
    with pytest.raises(ValueError):
        parse(body, "xResponse")


def test_check_setup_says_in_words_what_is_off(authorize_net: AuthorizeNetRig) -> None:
    rig = authorize_net
    rig.account.reporting = False
    (reporting,) = rig.processor.check_setup()
    assert "Transaction Details API is off" in reporting
    rig.account.reporting, rig.account.profiles_on = True, False
    (profiles,) = rig.processor.check_setup()
    assert "Customer Information Manager is off" in profiles
    rig.account.profiles_on = True
    del rig.secrets["notice_secret"]
    (signature,) = rig.connected().check_setup()
    assert "Signature Key is missing" in signature
    rig.secrets["transaction_key"] = ""
    (key,) = rig.connected().check_setup()
    assert "Transaction Key is missing" in key


# The page that can't be closed


def test_an_open_page_can_still_be_paid_and_cancel_says_so(authorize_net: AuthorizeNetRig) -> None:
    order = authorize_net.opened()
    assert authorize_net.processor.cancel(order).verdict is Verdict.NEEDS_ACTION
    assert authorize_net.pay(order).verdict is Verdict.SUCCEEDED


def test_once_the_page_is_over_cancel_is_certain(authorize_net: AuthorizeNetRig) -> None:
    rig = authorize_net
    order = rig.opened()
    just_before, after = late(order, PAGE_OVER - timedelta(seconds=1)), late(order)
    assert rig.processor.cancel(just_before).verdict is Verdict.NEEDS_ACTION
    assert rig.processor.cancel(after).verdict is Verdict.CANCELED
    assert rig.processor.look_up(after).verdict is Verdict.ABSENT


def test_a_page_that_nobody_was_led_to_is_no_obstacle(authorize_net: AuthorizeNetRig) -> None:
    order = replace(authorize_net.opened(), has_step=False)
    assert authorize_net.processor.cancel(order).verdict is Verdict.CANCELED


def test_an_old_order_gets_no_page_so_that_the_end_of_its_last_one_is_certain(
    authorize_net: AuthorizeNetRig,
) -> None:
    fresh, old = new_order(), new_order()
    assert authorize_net.processor.open(late(old, OPEN_WITHIN)).verdict is Verdict.NOT_SENT
    assert authorize_net.processor.open(late(fresh, OPEN_WITHIN - timedelta(seconds=5))).step is not None
    assert len([each for each in authorize_net.fake.pages.values() if each.account is authorize_net.account]) == 1


def test_a_decline_is_told_once_the_page_is_over(authorize_net: AuthorizeNetRig) -> None:
    rig = authorize_net
    order = rig.opened()
    rig.pay(order, cards.EXPIRED)
    told = rig.processor.look_up(late(order))
    assert (told.verdict, told.decline, told.money) == (Verdict.DECLINED, Decline.EXPIRED_CARD, None)


def test_what_is_held_for_review_is_voided_by_cancel(authorize_net: AuthorizeNetRig) -> None:
    rig = authorize_net
    order = rig.opened()
    rig.pay(order, cards.LATE)
    assert rig.processor.cancel(order).verdict is Verdict.CANCELED
    assert rig.processor.look_up(order).verdict is Verdict.CANCELED
    assert [each.status for each in rig.account.transactions.values()] == ["voided"]


def test_two_cards_on_two_tabs_are_two_charges_and_the_sweep_tells_both(authorize_net: AuthorizeNetRig) -> None:
    """The duplicate window refuses the same card only; nothing at this processor refuses another one."""
    rig = authorize_net
    order = rig.opened()
    rig.pay(order, cards.PAID)
    rig.pay(order, "5555555555554444")
    told = list(rig.processor.list_since(now() - timedelta(days=1)))
    assert [each.reference for each in told] == [order.reference] * 2
    assert rig.processor.look_up(order).processor_ref == told[0].processor_ref != told[1].processor_ref


def test_the_lists_are_read_page_by_page(authorize_net: AuthorizeNetRig) -> None:
    rig = authorize_net
    paid = [rig.paid(minor=1000 + n) for n in range(5)]
    rig.settle_day()
    paid += [rig.paid(minor=2000 + n) for n in range(5)]
    connector = AuthorizeNet(Connection(rig.settings, rig.secrets, False))
    connector.lists.page_size = 2
    listed = [each.reference for each in connector.list_since(now() - timedelta(days=35))]
    assert listed == [order.reference for order in paid]
    first = replace(paid[0], processor_ref="")
    assert connector.look_up(first).money == Money(1000)


# Refunds


def test_all_of_an_unsettled_payment_goes_back_by_a_void(authorize_net: AuthorizeNetRig) -> None:
    rig = authorize_net
    order = rig.paid()
    refund = new_refund(order, 12000)
    done = rig.processor.refund(refund)
    assert (done.verdict, done.is_void, done.reference) == (Verdict.SUCCEEDED, True, refund.reference)
    again = rig.processor.refund(refund)
    assert (again.verdict, again.processor_ref) == (Verdict.SUCCEEDED, done.processor_ref)
    truth = rig.processor.look_up(order)
    assert (truth.verdict, truth.money) == (Verdict.SUCCEEDED, order.money)
    assert [(each.processor_ref, each.money, each.is_void) for each in truth.refunds] == [
        (done.processor_ref, order.money, True)
    ]
    (listed,) = rig.processor.list_since(now() - timedelta(days=1))
    assert listed.refunds == truth.refunds


def test_a_part_of_an_unsettled_payment_is_declined_and_nothing_is_sent(authorize_net: AuthorizeNetRig) -> None:
    rig = authorize_net
    order = rig.paid()
    assert rig.processor.refund(new_refund(order, 100)).verdict is Verdict.DECLINED
    assert [each.kind for each in rig.account.transactions.values()] == ["authCaptureTransaction"]


@pytest.mark.parametrize(("fault", "happened"), [("silent_after", True), ("silent_before", False)])
def test_a_void_without_an_answer_is_looked_up(authorize_net: AuthorizeNetRig, fault: str, happened: bool) -> None:
    rig = authorize_net
    order = rig.paid()
    refund = new_refund(order, 12000)
    rig.script("refund", fault)
    assert rig.impatient().refund(refund).verdict is Verdict.UNKNOWN
    found = rig.processor.look_up_refund(refund).verdict
    assert found is (Verdict.SUCCEEDED if happened else Verdict.ABSENT)


def test_what_settles_between_look_and_void_is_refunded(authorize_net: AuthorizeNetRig) -> None:
    rig = authorize_net
    order = rig.paid()
    connector = AuthorizeNet(Connection(rig.settings, rig.secrets, False))
    seen, get = [], connector.lists.get

    def get_and_settle(transaction_id: str) -> object:
        found = get(transaction_id)
        if not seen:
            seen.append(found)
            rig.settle_day()
        return found

    connector.lists.get = get_and_settle  # type: ignore[method-assign,assignment]
    done = connector.refund(new_refund(order, 12000))
    assert (done.verdict, done.is_void) == (Verdict.SUCCEEDED, False)


def test_the_same_refund_twice_at_once_is_made_once(authorize_net: AuthorizeNetRig) -> None:
    rig = authorize_net
    order = rig.paid()
    rig.settle_day()
    refund = new_refund(order, 3000)
    with ThreadPoolExecutor(4) as pool:
        answers = {each.verdict for each in pool.map(rig.processor.refund, [refund] * 4)}
    assert answers == {Verdict.SUCCEEDED}
    assert [each.kind for each in rig.account.transactions.values()].count("refundTransaction") == 1


def test_a_chargeback_that_their_lists_tell_is_a_dispute(authorize_net: AuthorizeNetRig) -> None:
    rig = authorize_net
    order = rig.paid()
    dispute = rig.dispute(order.processor_ref, 12000)
    (opened,) = rig.processor.look_up(order).disputes
    assert (opened.processor_ref, opened.status, opened.withheld) == (dispute, "open", order.money)
    rig.close_dispute(dispute, "won")
    (closed,) = rig.processor.look_up(order).disputes
    assert (closed.status, closed.withheld) == ("won", Money(0))


def test_the_payer_s_profile_is_made_once(authorize_net: AuthorizeNetRig) -> None:
    payer = new_reference()
    authorize_net.opened(payer_reference=payer)
    authorize_net.opened(payer_reference=payer)
    assert [each["name"] for each in authorize_net.account.profiles.values()] == [payer]
