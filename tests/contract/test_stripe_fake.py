"""The stand-in for Stripe does what Stripe publishes, spoken to by Stripe's own SDK."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import stripe as sdk

from paywell.processors.connectors.stripe.client import make_client
from paywell.processors.contract import Connection
from tests.contract.stripe_fake import money
from tests.contract.stripe_fake.judge import judge
from tests.contract.stripe_fake.web import Fake, decode
from tests.contract.stripe_rig import StripeRig

KEY = "key-1"


@pytest.fixture
def stripe(stripe_fake: tuple[str, Fake]) -> StripeRig:
    """The fake alone: here wrong requests are sent on purpose."""
    return StripeRig("stripe", *stripe_fake)


@pytest.fixture
def client(stripe: StripeRig) -> sdk.StripeClient:
    return make_client(Connection(stripe.settings, stripe.secrets, False))


def create(client: sdk.StripeClient, key: str = "", **params: Any) -> sdk.PaymentIntent:
    whole: Any = {"amount": 12000, "currency": "usd", "allowed_payment_method_types": ["card"], **params}
    return client.v1.payment_intents.create(whole, options={"idempotency_key": key} if key else {})


def confirm(client: sdk.StripeClient, rig: StripeRig, intent: sdk.PaymentIntent, card: str, **params: Any) -> Any:
    whole: Any = {"confirmation_token": rig.token(card), "return_url": "https://portal.example.org/r/", **params}
    return client.v1.payment_intents.confirm(intent.id, whole)


def refused(call: Callable[[], Any]) -> sdk.StripeError:
    with pytest.raises(sdk.StripeError) as caught:
        call()
    return caught.value


def test_the_same_key_answers_the_same_and_says_so(client: sdk.StripeClient) -> None:
    first, again = create(client, KEY), create(client, KEY)
    assert first.id == again.id
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert len(client.v1.payment_intents.list().data) == 1


def test_a_key_with_other_parameters_is_an_idempotency_error(client: sdk.StripeClient) -> None:
    create(client, KEY)
    error = refused(lambda: create(client, KEY, amount=13000))
    assert (type(error), error.http_status) == (sdk.IdempotencyError, 400)


def test_a_500_is_replayed_although_it_had_its_effect(stripe: StripeRig, client: sdk.StripeClient) -> None:
    stripe.script("open", "error_after")
    for _ in range(2):
        assert refused(lambda: create(client, KEY)).http_status == 500
    assert len(client.v1.payment_intents.list().data) == 1


def test_what_did_not_pass_validation_is_not_kept_under_its_key(client: sdk.StripeClient) -> None:
    error = refused(lambda: create(client, KEY, amount=49))
    assert (error.http_status, error.code) == (400, "amount_too_small")
    assert create(client, KEY).status == "requires_payment_method"


def test_payment_method_types_are_no_longer_taken(client: sdk.StripeClient) -> None:
    error = refused(lambda: create(client, payment_method_types=["card"]))
    assert error.code == "payment_method_types_no_longer_supported"


DECLINES = [
    ("4000000000000002", "card_declined", "generic_decline"),
    ("4000000000009995", "card_declined", "insufficient_funds"),
    ("4000000000000069", "expired_card", "expired_card"),
    ("4000000000000127", "incorrect_cvc", "incorrect_cvc"),
]


@pytest.mark.parametrize(("card", "code", "reason"), DECLINES)
def test_a_decline_is_a_402_and_leaves_the_intent_open(
    stripe: StripeRig, client: sdk.StripeClient, card: str, code: str, reason: str
) -> None:
    intent = create(client)
    error = refused(lambda: confirm(client, stripe, intent, card))
    assert (type(error), error.http_status, error.code) == (sdk.CardError, 402, code)
    left = client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]}).to_dict()
    assert left["status"] == "requires_payment_method"
    assert left["last_payment_error"]["decline_code"] == reason
    assert left["latest_charge"]["status"] == "failed"
    assert left["latest_charge"]["outcome"]["reason"] == reason


def test_a_bank_check_is_a_redirect_only_without_their_sdk(stripe: StripeRig, client: sdk.StripeClient) -> None:
    by_sdk = confirm(client, stripe, create(client), "4000002500003155")
    assert by_sdk.next_action.type == "use_stripe_sdk"  # a confirmation token asks for it by itself
    redirect = confirm(client, stripe, create(client), "4000002500003155", use_stripe_sdk=False)
    assert redirect.next_action.type == "redirect_to_url"
    assert redirect.next_action.redirect_to_url.return_url == "https://portal.example.org/r/"


def test_a_confirmation_token_is_good_for_once(stripe: StripeRig, client: sdk.StripeClient) -> None:
    token = stripe.token("4242424242424242")
    client.v1.payment_intents.confirm(create(client).id, {"confirmation_token": token})
    again = create(client)
    error = refused(lambda: client.v1.payment_intents.confirm(again.id, {"confirmation_token": token}))
    assert error.http_status == 400


def test_what_is_paid_is_neither_confirmed_nor_canceled(stripe: StripeRig, client: sdk.StripeClient) -> None:
    intent = create(client)
    confirm(client, stripe, intent, "4242424242424242")
    for call in (
        lambda: confirm(client, stripe, intent, "4242424242424242"),
        lambda: client.v1.payment_intents.cancel(intent.id),
    ):
        assert refused(call).code == "payment_intent_unexpected_state"


def test_never_more_is_refunded_than_was_taken(stripe: StripeRig, client: sdk.StripeClient) -> None:
    intent = create(client)
    confirm(client, stripe, intent, "4242424242424242")
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 7000})
    above = refused(lambda: client.v1.refunds.create({"payment_intent": intent.id, "amount": 5001}))
    assert (above.http_status, above.param) == (400, "amount")
    client.v1.refunds.create({"payment_intent": intent.id})  # what is left
    error = refused(lambda: client.v1.refunds.create({"payment_intent": intent.id}))
    assert error.code == "charge_already_refunded"


def test_a_disputed_charge_is_not_refunded_and_its_money_is_gone_at_once(
    stripe: StripeRig, client: sdk.StripeClient
) -> None:
    intent = create(client)
    confirm(client, stripe, intent, "4242424242424242")
    stripe.dispute(intent.id, 12000)
    assert refused(lambda: client.v1.refunds.create({"payment_intent": intent.id})).code == "charge_disputed"
    (dispute,) = client.v1.disputes.list({"payment_intent": intent.id}).data
    assert sum(each.amount for each in dispute.balance_transactions) == -12000
    stripe.close_dispute(dispute.id, "won")
    won = client.v1.disputes.list({"payment_intent": intent.id}).data[0]
    assert sum(each.amount for each in won.balance_transactions) == 0


def test_a_card_belongs_to_one_customer_until_it_is_detached(stripe: StripeRig, client: sdk.StripeClient) -> None:
    mine, other = client.v1.customers.create(), client.v1.customers.create()
    kept = confirm(
        client, stripe, create(client, customer=mine.id), "4242424242424242", setup_future_usage="off_session"
    )
    method = kept.payment_method
    assert [each.id for each in client.v1.payment_methods.list({"customer": mine.id, "type": "card"}).data] == [
        method
    ]
    foreign = create(client, customer=other.id)
    error = refused(lambda: client.v1.payment_intents.confirm(foreign.id, {"payment_method": method}))
    assert error.param == "payment_method"
    client.v1.payment_methods.detach(method)
    assert client.v1.payment_methods.list({"customer": mine.id, "type": "card"}).data == []
    assert refused(lambda: client.v1.payment_methods.detach(method)).http_status == 400
    left = create(client, customer=mine.id)
    assert (
        refused(lambda: client.v1.payment_intents.confirm(left.id, {"payment_method": method})).http_status == 400
    )


def test_a_card_that_was_not_asked_to_stay_is_attached_to_nobody(
    stripe: StripeRig, client: sdk.StripeClient
) -> None:
    customer = client.v1.customers.create()
    confirm(client, stripe, create(client, customer=customer.id), "4242424242424242")
    assert client.v1.payment_methods.list({"customer": customer.id, "type": "card"}).data == []


def test_a_session_is_open_then_complete_or_expired_for_good(
    stripe_checkout: StripeRig, client: sdk.StripeClient
) -> None:
    rig = stripe_checkout
    order = rig.opened()
    session = rig.account.things[order.processor_ref]
    assert (session["status"], session["payment_intent"]) == ("open", None)
    rig.pay(order)
    assert (session["status"], session["payment_status"], session["url"]) == ("complete", "paid", None)
    own = make_client(Connection(rig.settings, rig.secrets, False))
    assert refused(lambda: own.v1.checkout.sessions.expire(order.processor_ref)).http_status == 400
    other = rig.opened()
    own.v1.checkout.sessions.expire(other.processor_ref)
    assert rig.account.things[other.processor_ref]["status"] == "expired"
    assert refused(lambda: own.v1.checkout.sessions.expire(other.processor_ref)).http_status == 400


def test_lists_are_newest_first_in_pages_and_know_no_search(client: sdk.StripeClient) -> None:
    made = [create(client).id for _ in range(5)]
    listed = [each.id for each in client.v1.payment_intents.list({"limit": 2}).auto_paging_iter()]
    assert listed == made[::-1]
    assert refused(lambda: client.v1.payment_intents.list({"limit": 101})).http_status == 400
    assert refused(lambda: client.v1.payment_intents.search({"query": "x"})).http_status == 404


def test_a_wrong_key_and_an_unknown_name_are_refused(stripe: StripeRig, client: sdk.StripeClient) -> None:
    assert refused(lambda: client.v1.payment_intents.retrieve("pi_nobody")).code == "resource_missing"
    wrong = make_client(Connection(stripe.settings, {"secret_key": "sk_test_wrong"}, False))
    assert type(refused(lambda: create(wrong))) is sdk.AuthenticationError


def test_events_are_signed_as_their_sdk_expects(stripe: StripeRig, client: sdk.StripeClient) -> None:
    stripe.paid()
    kinds = []
    for event in stripe.account.events:
        notice = stripe.notice(event)
        header = notice.headers["Stripe-Signature"]
        kinds.append(client.construct_event(notice.body.decode(), header, stripe.account.notice_secret).type)
        with pytest.raises(sdk.SignatureVerificationError):
            client.construct_event(notice.body.decode() + " ", header, stripe.account.notice_secret)
    assert kinds == ["charge.succeeded", "payment_intent.succeeded"]


def test_a_refund_may_fail_days_later_and_frees_its_amount(stripe: StripeRig) -> None:
    order = stripe.paid()
    charge = stripe.account.things[stripe.intent(order.processor_ref)["latest_charge"]]
    made = money.refund(stripe.account, charge, 12000, {})
    money.settle_refund(stripe.account, made, "failed")
    assert (charge["amount_refunded"], charge["refunded"], made["status"]) == (0, False, "failed")


JUDGED = [
    ("POST", "/v1/payment_intents", "amount=1200&currency=usd", 0),
    ("POST", "/v1/payment_intents", "currency=usd", 1),
    ("POST", "/v1/payment_intents", "amount=12.00&currency=usd", 1),
    ("POST", "/v1/payment_intents", "amount=1200&currency=usd&payment_method_types[0]=card", 1),
    ("POST", "/v1/payment_intents", "amount=1200&currency=usd&setup_future_usage=for_ever", 1),
    ("POST", "/v1/payment_intents/pi_1/confirm", "use_stripe_sdk=perhaps", 1),
    ("POST", "/v1/checkout/sessions", "ui_mode=hosted", 1),
    ("POST", "/v1/checkout/sessions", "ui_mode=hosted_page&line_items[0][price_data][currency]=usd", 0),
    ("POST", "/v1/checkout/sessions", "line_items[0][price_data][unit_amount]=1", 1),
    ("POST", "/v1/refunds", "payment_intent=pi_1&reason=because", 1),
    ("GET", "/v1/payment_intents/search", "query=x", 1),
]


@pytest.mark.parametrize(("method", "path", "form", "faults"), JUDGED)
def test_the_judge_knows_right_from_wrong(method: str, path: str, form: str, faults: int) -> None:
    assert len(judge(method, path, decode(form))) == faults
