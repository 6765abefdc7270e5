"""What only the Stripe connectors promise: keys and their age, their own fence, what leaves, notices, lists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from paywell.core.clock import now
from paywell.core.ids import new_key, new_reference
from paywell.core.money import Money
from paywell.processors.connectors.stripe import deposits
from paywell.processors.connectors.stripe.client import API_VERSION
from paywell.processors.connectors.stripe.reading import DECLINES, decline_for
from paywell.processors.contract import (
    Decline,
    DepositState,
    PartKind,
    ProcessorUnavailable,
    Style,
    Submission,
    Verdict,
)
from tests.contract import rig as cards
from tests.contract.rig import new_order, new_refund
from tests.contract.stripe_fake import money, payouts
from tests.contract.stripe_fake.web import decode
from tests.contract.stripe_rig import StripeRig

DAY = timedelta(hours=24)


@pytest.fixture(params=["stripe", "stripe_checkout"])
def rig(request: pytest.FixtureRequest) -> StripeRig:
    wanted: StripeRig = request.getfixturevalue(request.param)
    return wanted


def posted(rig: StripeRig, path: str) -> list[dict[str, object]]:
    return [decode(each.body.decode()) for each in rig.sent() if each.method == "POST" and each.path == path]


# What leaves


def walk_through(rig: StripeRig) -> None:
    payer = new_reference()
    order = rig.opened(payer_reference=payer, memo="m" * 700)
    saved = rig.pay(order, save=True).saved_card
    assert saved is not None
    rig.pay_saved(rig.opened(customer_ref=saved.customer_ref), saved.token)
    rig.pay(rig.opened(), cards.DECLINED)
    rig.pay(rig.opened(), cards.BANK_CHECK)
    rig.processor.look_up(replace(order, processor_ref=""))
    refund = new_refund(order, 100)
    rig.processor.refund(refund)
    rig.processor.look_up_refund(refund)
    rig.dispute(order.processor_ref, 11900)
    list(rig.processor.list_since(now() - DAY))
    rig.processor.list_cards(saved.customer_ref)
    rig.processor.forget_card(saved)
    rig.processor.cancel(rig.opened())
    rig.processor.cancel(new_order())
    rig.processor.check_setup()


ALLOWED = {
    "amount", "currency", "allowed_payment_method_types", "customer", "metadata", "expand",  # intents
    "confirmation_token", "payment_method", "return_url", "setup_future_usage", "use_stripe_sdk",
    "off_session", "payment_intent", "created", "limit", "type", "types", "starting_after",  # refunds and lists
    "mode", "ui_mode", "submit_type", "wallet_options", "client_reference_id", "line_items", "payment_intent_data",
    "success_url", "cancel_url", "saved_payment_method_options",  # sessions
}  # fmt: skip
METADATA = {"paywell", "paywell_by", "paywell_payer", "paywell_memo"}


def leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for each in value.values():
            yield from leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each)
    else:
        yield value


def test_nothing_but_amount_currency_references_and_label_is_sent(rig: StripeRig) -> None:
    walk_through(rig)
    sent = rig.sent()
    assert len(sent) >= 20
    for each in sent:
        params = decode(each.body.decode() if each.method == "POST" else each.query)
        assert set(params) <= ALLOWED, each.path
        described = [params.get("metadata", {}), params.get("payment_intent_data", {}).get("metadata", {})]
        assert all(set(metadata) <= METADATA for metadata in described)
        for leaf in leaves(params):
            assert "@" not in str(leaf)
            assert not re.fullmatch(r"[0-9]{13,19}", str(leaf))
    names = [
        item["price_data"]["product_data"]["name"]
        for params in posted(rig, "/v1/checkout/sessions")
        for item in params["line_items"]  # type: ignore[attr-defined]
    ]
    assert set(names) <= {cards.LABEL}


def test_no_receipt_is_asked_for_and_no_description_given(rig: StripeRig) -> None:
    walk_through(rig)
    for each in rig.sent():
        for word in (
            "receipt_email",
            "description",
            "statement_descriptor",
            "email",
        ):
            assert word not in each.body.decode()


def test_only_the_headers_that_stripe_needs_are_sent(rig: StripeRig) -> None:
    walk_through(rig)
    usual = {"host", "accept", "accept-encoding", "connection", "content-length", "content-type", "user-agent"}
    for each in rig.sent():
        assert set(each.headers) <= usual | {"authorization", "stripe-version", "idempotency-key"}
        assert (each.headers["user-agent"], each.headers["stripe-version"]) == ("Paywell", API_VERSION)


def test_what_could_make_or_move_something_carries_a_key_of_ours(rig: StripeRig) -> None:
    walk_through(rig)
    contents: dict[str, set[tuple[str, bytes]]] = {}
    for each in rig.sent():
        is_safe = each.path.endswith(("/cancel", "/expire", "/detach"))
        key = each.headers.get("idempotency-key", "")
        assert bool(key) is (each.method == "POST" and not is_safe), each.path
        if key:
            contents.setdefault(key, set()).add((each.path, each.body))
    assert {len(each) for each in contents.values()} == {1}


def test_a_payer_is_one_customer_who_has_no_name(rig: StripeRig) -> None:
    payer = new_reference()
    for _ in range(2):
        rig.opened(payer_reference=payer)
    customers = rig.account.all("customer")
    assert [(each["metadata"], each["email"]) for each in customers] == [({"paywell_payer": payer}, None)]


def test_no_card_and_nobody_s_name_means_no_customer(rig: StripeRig) -> None:
    rig.opened(payer_reference="")
    assert rig.account.all("customer") == []


# Keys


def test_a_key_that_may_be_forgotten_is_not_sent_again(rig: StripeRig) -> None:
    order = rig.opened()
    old = replace(order, created_at=now() - timedelta(hours=23), asked_at=now())
    before = len(rig.sent())
    rig.processor.open(old)
    assert all(each.method == "GET" for each in rig.sent()[before:])
    refund = replace(new_refund(rig.paid(), 100), created_at=now() - timedelta(hours=23), asked_at=now())
    before = len(rig.sent())
    assert rig.processor.refund(refund).verdict is Verdict.UNKNOWN  # absent, which is no answer to `refund`
    assert all(each.method == "GET" for each in rig.sent()[before:])


def test_an_intent_of_yesterday_is_not_confirmed_by_its_old_key(stripe: StripeRig) -> None:
    order = stripe.opened()
    old = replace(order, created_at=now() - DAY, asked_at=now())
    told = stripe.processor.submit(old, Submission(card_token=stripe.token(cards.PAID)))
    assert told.verdict is Verdict.NEEDS_ACTION
    assert stripe.charged() == []


def test_a_fence_uses_up_the_key_of_an_open_that_may_still_come(rig: StripeRig) -> None:
    order = new_order()
    assert rig.processor.cancel(order).verdict is Verdict.CANCELED
    assert rig.processor.open(order).verdict is Verdict.CANCELED
    kind = "payment_intent" if rig.processor.style is Style.INLINE else "checkout.session"
    assert len(rig.account.all(kind)) == 1


def test_after_a_day_nothing_can_still_come_and_nothing_is_made(rig: StripeRig) -> None:
    order = replace(new_order(), created_at=now() - DAY, asked_at=now())
    assert rig.processor.cancel(order).verdict is Verdict.CANCELED
    assert all(each.method == "GET" for each in rig.sent())


def test_a_replayed_answer_is_not_believed(stripe: StripeRig) -> None:
    order = stripe.opened()
    submission = Submission(card_token=stripe.token(cards.BANK_CHECK))
    asked = stripe.processor.submit(order, submission)
    stripe.answer_bank(asked, approve=True)
    assert stripe.processor.submit(order, submission).verdict is Verdict.SUCCEEDED  # not the old question


# Declines and bank checks


def test_a_declined_intent_is_canceled_so_that_nothing_stays_open(stripe: StripeRig) -> None:
    order = stripe.opened()
    stripe.pay(order, cards.INSUFFICIENT_FUNDS)
    intent = stripe.account.things[order.processor_ref]
    assert (intent["status"], intent["last_payment_error"]) == ("canceled", None)
    assert stripe.processor.look_up(order).decline is Decline.INSUFFICIENT_FUNDS


def test_a_decline_whose_cleaning_up_fails_is_a_decline_all_the_same(stripe: StripeRig) -> None:
    order = stripe.opened()
    stripe.script("cancel", "drop_before")
    told = stripe.pay(order, cards.WRONG_CVC)
    assert (told.verdict, told.decline) == (Verdict.DECLINED, Decline.WRONG_CVC)
    assert stripe.processor.look_up(order).decline is Decline.WRONG_CVC


def test_the_bank_s_question_is_a_page_of_its_own(stripe: StripeRig) -> None:
    asked = stripe.pay(stripe.opened(), cards.BANK_CHECK)
    assert asked.step is not None
    assert asked.step.url.startswith(f"{stripe.base_url}/bank/")
    assert "client_secret" not in str(asked)


def test_a_question_that_only_their_script_could_ask_is_no_step(stripe: StripeRig) -> None:
    order = stripe.opened()
    asked = stripe.pay(order, cards.BANK_CHECK)
    assert asked.step is not None
    stripe.account.things[order.processor_ref]["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
    told = stripe.processor.look_up(order)
    assert (told.verdict, told.step) == (Verdict.NEEDS_ACTION, None)  # the reconciler fences it


def test_a_bank_that_wants_to_ask_an_absent_payer_is_a_decline(stripe: StripeRig) -> None:
    payer = new_reference()
    saved = stripe.pay(stripe.opened(payer_reference=payer), save=True).saved_card
    assert saved is not None
    stripe.account.things[saved.token]["card_number"] = cards.BANK_CHECK  # the bank has become careful
    order = stripe.opened(customer_ref=saved.customer_ref)
    absent = Submission(saved_card_token=saved.token, is_payer_absent=True)
    told = stripe.processor.submit(order, absent)
    assert (told.verdict, told.decline) == (Verdict.DECLINED, Decline.BANK_CHECK_FAILED)
    assert stripe.account.things[order.processor_ref]["status"] == "canceled"
    there = stripe.opened(customer_ref=saved.customer_ref)
    asked = stripe.processor.submit(there, Submission(saved_card_token=saved.token))
    assert (asked.verdict, asked.step is not None) == (Verdict.NEEDS_ACTION, True)


def test_their_words_are_known_and_others_are_a_plain_decline() -> None:
    assert decline_for("insufficient_funds", "card_declined") is Decline.INSUFFICIENT_FUNDS
    assert decline_for(None, "expired_card") is Decline.EXPIRED_CARD
    assert decline_for("generic_decline", "card_declined") is Decline.GENERIC
    assert decline_for("a_word_of_tomorrow") is Decline.GENERIC
    assert decline_for() is Decline.GENERIC
    assert set(DECLINES.values()) == set(Decline)


# Lists


def test_a_list_holds_what_was_made_and_what_has_changed_since(rig: StripeRig) -> None:
    old, untouched = rig.paid(), rig.paid()
    for name in ("payment_intent", "charge", "checkout.session", "event", "balance_transaction"):
        for thing in rig.account.all(name):
            thing["created"] -= 3 * 86_400
    new = [rig.opened().reference for _ in range(3)]
    rig.refund_there(old.processor_ref, 100)
    listed = {each.reference: each for each in rig.processor.list_since(now() - DAY)}
    assert set(listed) == {*new, old.reference}
    assert listed[old.reference] == rig.processor.look_up(old)
    assert [each.money for each in listed[old.reference].refunds] == [Money(100)]
    assert untouched.reference not in listed


def test_long_lists_are_read_to_their_end(rig: StripeRig) -> None:
    references = {rig.opened().reference for _ in range(105)}
    assert {each.reference for each in rig.processor.list_since(now() - DAY)} == references


def test_what_another_program_does_with_the_account_is_left_alone(rig: StripeRig) -> None:
    own = rig.paid()
    intent = rig.account.things[rig.intent(own.processor_ref)["id"]]
    foreign = rig.account.new("pi", "payment_intent", **{**intent, "metadata": {"order": "77"}, "id": None})
    foreign["id"] = "pi_foreign"
    rig.account.things["pi_foreign"] = foreign
    assert [each.reference for each in rig.processor.list_since(now() - DAY)] == [own.reference]


def test_both_connectors_may_work_with_one_account(stripe: StripeRig, stripe_checkout: StripeRig) -> None:
    paid = stripe.paid()
    stripe_checkout.secrets = stripe.secrets
    assert list(stripe_checkout.connected().list_since(now() - DAY)) == []
    assert [each.reference for each in stripe.processor.list_since(now() - DAY)] == [paid.reference]


def test_many_refunds_are_all_told(rig: StripeRig) -> None:
    order = rig.paid(12000)
    for _ in range(12):
        rig.refund_there(order.processor_ref, 100)
    assert len(rig.processor.look_up(order).refunds) == 12


def test_an_inquiry_withholds_nothing(rig: StripeRig) -> None:
    order = rig.paid()
    dispute = rig.account.things[rig.dispute(order.processor_ref, 12000)]
    dispute |= {"status": "warning_needs_response", "balance_transactions": []}
    (told,) = rig.processor.look_up(order).disputes
    assert (told.status, told.withheld) == ("open", Money(0))


# Setting up


def test_keys_of_the_other_mode_are_found_without_a_call(rig: StripeRig) -> None:
    rig.secrets["secret_key"] = "sk_live_1234567890"
    (problem,) = rig.connected().check_setup()
    assert "sk_test_" in problem
    assert rig.sent() == []


def test_a_wrong_publishable_key_is_found(stripe: StripeRig) -> None:
    (problem,) = stripe.connected(publishable_key="pk_live_1").check_setup()
    assert "pk_test_" in problem


def test_an_account_that_is_not_activated_is_named_as_such(rig: StripeRig) -> None:
    assert rig.processor.check_setup() == []
    rig.account.charges_enabled = False
    (problem,) = rig.processor.check_setup()
    assert "activat" in problem


def test_only_the_publishable_key_reaches_the_page(stripe: StripeRig, stripe_checkout: StripeRig) -> None:
    fields = stripe.processor.fields()
    assert fields is not None
    assert fields.config == {"key": stripe.account.publishable_key}
    assert fields.scripts == ("https://js.stripe.com/endive/stripe.js",)
    assert stripe_checkout.processor.fields() is None


def test_a_page_s_policy_names_stripe_s_hosts_and_no_other(stripe: StripeRig, stripe_checkout: StripeRig) -> None:
    hosts = stripe.processor.hosts()
    assert hosts.script_src == ("https://js.stripe.com", "https://*.js.stripe.com")
    assert hosts.connect_src == ("https://api.stripe.com",)
    assert hosts.frame_src == ("https://js.stripe.com", "https://*.js.stripe.com", "https://hooks.stripe.com")
    assert (hosts.style_src, hosts.font_src, hosts.img_src, hosts.form_action) == ((), (), (), ())
    page = stripe_checkout.connected(page_origin="").hosts()
    assert page.form_action == ("https://checkout.stripe.com",)
    assert (page.script_src, page.frame_src, page.connect_src) == ((), (), ())


# Cards


def test_a_card_that_lies_there_twice_is_one_card_and_is_forgotten_altogether(stripe: StripeRig) -> None:
    payer = new_reference()
    first = stripe.pay(stripe.opened(payer_reference=payer), save=True).saved_card
    second = stripe.pay(stripe.opened(payer_reference=payer), save=True).saved_card
    assert first is not None
    assert first == second
    assert len([each for each in stripe.account.all("payment_method") if each["customer"]]) == 2
    assert stripe.processor.list_cards(first.customer_ref) == [first]
    stripe.processor.forget_card(first)
    assert not any(each["customer"] for each in stripe.account.all("payment_method"))


def test_a_renewed_card_is_another_one(stripe: StripeRig) -> None:
    payer = new_reference()
    order = stripe.opened(payer_reference=payer)
    first = stripe.pay(order, save=True).saved_card
    again = stripe.opened(payer_reference=payer)
    token = stripe.account.tokenize(cards.PAID, "11/44")
    second = stripe.processor.submit(again, Submission(card_token=token, save_card=True)).saved_card
    assert first is not None
    assert second is not None
    assert (first.card.exp_year, second.card.exp_year) == (2040, 2044)
    assert stripe.processor.list_cards(first.customer_ref) == [first, second]


def test_a_refund_that_fails_at_the_bank_is_told_as_failed(rig: StripeRig) -> None:
    order = rig.paid()
    charge = rig.account.things[rig.intent(order.processor_ref)["latest_charge"]]
    money.settle_refund(rig.account, money.refund(rig.account, charge, 500, {}), "failed")
    assert [each.verdict for each in rig.processor.look_up(order).refunds] == [Verdict.DECLINED]


def test_a_key_that_is_used_elsewhere_at_the_moment_is_unknown(rig: StripeRig) -> None:
    order = new_order()
    other = replace(order, reference=new_reference(), money=Money(500))
    rig.processor.open(other)
    assert rig.processor.open(order).verdict is Verdict.UNKNOWN
    assert rig.processor.open(replace(order, open_key=new_key())).verdict is Verdict.NEEDS_ACTION


def test_a_memo_comes_back_or_its_beginning(rig: StripeRig) -> None:
    order = rig.opened(memo="m" * 700)
    assert rig.pay(order).memo == "m" * 500
    assert json.dumps(rig.processor.look_up(order).memo)


def test_a_key_that_may_not_read_the_balance_still_lists_every_charge(stripe: StripeRig) -> None:
    order = stripe.paid(12000)
    stripe.script("fees", "forbidden")
    (told,) = stripe.charged()
    assert (told.processor_ref, told.money, told.fee) == (order.processor_ref, Money(12000), None)


def test_a_key_that_may_not_read_the_balance_is_told_also_without_any_deposit(stripe: StripeRig) -> None:
    stripe.script("fees", "forbidden")
    with pytest.raises(ProcessorUnavailable):
        list(stripe.processor.list_deposits(now() - timedelta(days=1)))


def test_no_call_on_the_way_of_a_payment_reads_the_balance(stripe: StripeRig) -> None:
    stripe.processor.look_up(stripe.paid(12000))
    assert not [each for each in stripe.sent() if "balance" in each.path + each.query + each.body.decode()]


def test_a_payout_made_by_hand_is_not_itemized_and_a_canceled_one_has_failed(stripe: StripeRig) -> None:
    stripe.paid(12000)
    payout = payouts.pay_out(stripe.account, automatic=False)
    (told,) = stripe.processor.list_deposits(now() - timedelta(days=1))  # type: ignore[attr-defined]
    assert (told.is_itemized, told.state, told.money) == (False, DepositState.PENDING, Money(11622))
    payout["status"] = "canceled"
    (told,) = stripe.processor.list_deposits(now() - timedelta(days=1))  # type: ignore[attr-defined]
    assert told.state is DepositState.FAILED


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("stripe_fee", PartKind.FEE), ("payout_cancel", PartKind.RETURNED), ("reserve_hold", PartKind.ADJUSTMENT),
        ("a_word_of_tomorrow", PartKind.ADJUSTMENT), ("payment", PartKind.CHARGE),
    ],
)  # fmt: skip
def test_their_words_for_what_is_in_a_payout(word: str, kind: PartKind) -> None:
    transaction = {
        "id": "txn_1", "type": word, "amount": -500, "fee": 0, "currency": "usd", "source": "x_1", "created": 1,
    }  # fmt: skip
    assert deposits.read_part(transaction).kind is kind
