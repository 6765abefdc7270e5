"""What only Square does: authorize and complete, cancel by key, cards kept by a call of their own."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from paywell.core.clock import now, set_to
from paywell.core.ids import new_key, new_reference
from paywell.core.money import Money
from paywell.payments.actions import start_payment
from paywell.payments.models import Attempt, AttemptState, SavedCard
from paywell.payments.reconcile import reconcile_attempt
from paywell.payments.sweep import sweep
from paywell.payments.tests.checks import owed
from paywell.payments.tests.factories import World, make_form, make_line, make_world
from paywell.processors.connectors.square import FENCED_AFTER, SUBMIT_WITHIN, SquareConnector
from paywell.processors.connectors.square.client import LIVE_API, TEST_API
from paywell.processors.contract import (
    ChargeOrder,
    Connection,
    Decline,
    PartKind,
    ProcessorUnavailable,
    Submission,
    Verdict,
)
from tests.contract import rig as cards
from tests.contract.rig import new_order, new_refund, wait_until
from tests.contract.square_rig import SquareRig
from tests.contract.square_schema import ABSENT, read_description


def aged(order: ChargeOrder, age: timedelta) -> ChargeOrder:
    """The same order, as old as that."""
    return replace(order, created_at=now() - age)


# Every request, and what it says


def walk_through(rig: SquareRig) -> None:
    rig.processor.check_setup()
    order = rig.opened(memo="bWVtbw" * 90)
    saved = rig.pay(order, save=True).saved_card
    assert saved is not None
    rig.pay_saved(rig.opened(customer_ref=saved.customer_ref), saved.token)
    rig.pay(rig.opened(), cards.DECLINED)
    paid = rig.paid()
    refund = new_refund(paid, 100)
    rig.processor.refund(refund)
    rig.processor.look_up_refund(refund)
    rig.processor.look_up(replace(paid, processor_ref=""))
    rig.processor.cancel(rig.opened())
    list(rig.processor.list_since(now() - timedelta(days=35)))
    rig.processor.list_cards(saved.customer_ref)
    rig.processor.forget_card(saved)


def test_every_request_fits_the_official_description(square: SquareRig) -> None:
    if read_description() is None:
        pytest.skip(ABSENT)
    walk_through(square)
    assert square.account.problems == []
    kinds = {(each.method, re.sub(r"[0-9a-f_]{20,}|ccof:\w+", "*", each.path)) for each in square.sent()}
    assert len(kinds) == 15


def test_nothing_but_amount_references_and_memo_is_sent(square: SquareRig) -> None:
    walk_through(square)
    names = {name for each in square.sent() for name in each.json()}
    assert names == {
        "source_id", "idempotency_key", "amount_money", "autocomplete", "delay_duration", "delay_action",
        "location_id", "reference_id", "note", "customer_id",  # payment
        "payment_id", "reason",  # refund: our reference
        "card", "query", "limit",  # card on file, search of a payer
    }  # fmt: skip
    for each in square.sent():
        text = each.body.decode() + each.path + each.query
        assert "@" not in text
        assert not re.search(r"(?<![0-9A-Za-z])[0-9]{13,19}(?![0-9A-Za-z])", text)
        for secret in square.secrets.values():
            assert secret not in text


def test_every_change_carries_a_key_of_its_own_and_is_never_repeated_by_the_sdk(square: SquareRig) -> None:
    square.script("commit", "error_after")
    order = square.opened()
    assert square.pay(order).verdict is Verdict.UNKNOWN
    assert [each.path for each in square.sent()] == ["/v2/payments"]
    walk_through(square)
    contents: dict[tuple[str, str], set[bytes]] = {}
    for each in square.sent():
        if each.method == "POST" and "idempotency_key" in each.json():
            key = str(each.json()["idempotency_key"])
            assert len(key) <= 45
            contents.setdefault((each.path, key), set()).add(each.body)
    assert {len(each) for each in contents.values()} == {1}


def test_the_memo_comes_back_with_the_payment(square: SquareRig) -> None:
    order = square.opened(memo="bWVtbw")
    assert square.pay(order).memo == "bWVtbw"
    (listed,) = square.processor.list_since(now() - timedelta(days=1))
    assert listed.memo == "bWVtbw"


def test_live_and_test_mode_share_no_address() -> None:
    settings = {"application_id": "sq0idp-1", "location_id": "L1", "api_url": "http://127.0.0.1:1"}
    live = SquareConnector(Connection(settings, {"access_token": "x"}, True))
    assert (live.api.base_url, live.is_test) == (LIVE_API, False)
    assert live.fields().scripts == ("https://web.squarecdn.com/v1/square.js",)
    assert live.hosts().frame_src == live.hosts().script_src == ("https://web.squarecdn.com",)
    assert live.hosts().connect_src == ("https://web.squarecdn.com", "https://pci-connect.squareup.com")
    test = SquareConnector(Connection(settings | {"api_url": ""}, {"access_token": "x"}, False))
    assert (test.api.base_url, test.is_test) == (TEST_API, True)
    assert test.fields().scripts == ("https://sandbox.web.squarecdn.com/v1/square.js",)
    assert "sandbox" in test.hosts().frame_src[0]
    assert set(test.fields().config) == {"application_id", "location_id"}  # nothing secret


def test_check_setup_says_in_words_what_is_off(square: SquareRig) -> None:
    rig = square
    rig.account.capabilities = ()
    assert "can't take cards" in rig.processor.check_setup()[0]
    rig.account.active = False
    assert len(rig.processor.check_setup()) == 2
    rig.account.active, rig.account.capabilities = True, ("CREDIT_CARD_PROCESSING",)
    assert "Location ID" in rig.connected(location_id="LNOWHERE").check_setup()[0]
    assert "not one for test" in rig.connected(application_id="sq0idp-live").check_setup()[0]
    assert "takes USD" in rig.connected(currency="CAD").check_setup()[0]
    del rig.secrets["notice_secret"]
    assert "signature key is missing" in rig.connected().check_setup()[0]


# Authorize, complete, fence


def test_money_moves_only_by_the_completion(square: SquareRig) -> None:
    order = square.opened()
    square.script("complete", "drop_before")
    assert square.pay(order).verdict is Verdict.UNKNOWN
    truth = square.processor.look_up(order)
    assert (truth.verdict, truth.step, truth.money) == (Verdict.NEEDS_ACTION, None, None)
    assert square.charged_there() == []
    assert square.processor.cancel(order).verdict is Verdict.CANCELED
    assert square.processor.cancel(order).verdict is Verdict.CANCELED


@pytest.mark.parametrize(
    ("call", "fault", "taken"),
    [
        ("commit", "silent_before", 0), ("commit", "silent_after", 0), ("commit", "drop_after", 0),
        ("commit", "error_after", 0), ("commit", "garbage", 0), ("commit", "truncated", 0),
        ("commit", "unknown_word", 0), ("complete", "silent_before", 0), ("complete", "silent_after", 1),
        ("complete", "drop_after", 1), ("complete", "error_after", 1), ("complete", "garbage", 1),
        ("complete", "unknown_word", 1), ("complete", "without_amount", 1), ("complete", "without_reference", 1),
    ],
)  # fmt: skip
def test_a_submit_without_a_trustworthy_answer_is_unknown_and_repeats_to_one_charge(
    square: SquareRig, call: str, fault: str, taken: int
) -> None:
    order, token = square.opened(), square.token(cards.PAID)
    square.script(call, fault)
    assert square.impatient().submit(order, Submission(card_token=token)).verdict is Verdict.UNKNOWN
    assert len(square.charged_there()) == taken
    assert square.processor.submit(order, Submission(card_token=token)).verdict is Verdict.SUCCEEDED
    assert [each.money for each in square.charged()] == [order.money]


def test_an_old_order_is_not_sent_any_more(square: SquareRig) -> None:
    """How long Square remembers a key is not published: no key is ever used late."""
    order = aged(square.opened(), SUBMIT_WITHIN + timedelta(seconds=1))
    assert square.pay(order).verdict is Verdict.NOT_SENT
    assert square.account.payments == {}


def test_nothing_there_is_a_fence_only_once_no_submit_can_be_running(square: SquareRig) -> None:
    order = new_order()
    assert square.processor.cancel(order).verdict is Verdict.UNKNOWN
    after = aged(order, FENCED_AFTER)
    assert square.processor.cancel(after).verdict is Verdict.CANCELED
    assert square.pay(after).verdict is Verdict.NOT_SENT
    assert square.charged_there() == []


def test_a_request_that_arrives_late_takes_nothing(square: SquareRig) -> None:
    order = square.opened()
    square.script("commit", "late_effect")
    assert square.impatient().submit(order, Submission(card_token=square.token(cards.PAID))).verdict == "unknown"
    assert square.processor.cancel(aged(order, FENCED_AFTER)).verdict is Verdict.CANCELED
    wait_until(lambda: bool(square.account.late))
    assert square.charged_there() == []
    (listed,) = square.processor.list_since(now() - timedelta(days=1))
    assert listed.verdict is Verdict.NEEDS_ACTION  # the sweep voids it
    assert square.processor.cancel(replace(order, processor_ref=listed.processor_ref)).verdict == "canceled"


def test_a_completion_that_arrives_after_the_fence_takes_nothing(square: SquareRig) -> None:
    order = square.opened()
    square.script("complete", "late_effect")
    token = square.token(cards.PAID)
    assert square.impatient().submit(order, Submission(card_token=token)).verdict is Verdict.UNKNOWN
    assert square.processor.cancel(order).verdict is Verdict.CANCELED
    wait_until(lambda: bool(square.account.late))
    assert square.charged_there() == []


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        (cards.DECLINED, Decline.GENERIC), (cards.INSUFFICIENT_FUNDS, Decline.INSUFFICIENT_FUNDS),
        (cards.EXPIRED, Decline.EXPIRED_CARD), (cards.WRONG_CVC, Decline.WRONG_CVC),
        (cards.BANK_CHECK, Decline.BANK_CHECK_FAILED),
    ],
)  # fmt: skip
def test_a_decline_is_an_answer_with_its_reason(square: SquareRig, card: str, reason: Decline) -> None:
    order = square.opened()
    declined = square.pay(order, card)
    assert (declined.verdict, declined.decline, declined.money) == (Verdict.DECLINED, reason, None)
    assert square.processor.look_up(order) == declined
    assert square.charged_there() == []


def test_a_token_that_can_t_be_used_is_not_sent(square: SquareRig) -> None:
    token = square.token(cards.PAID)
    assert square.processor.submit(square.opened(), Submission(card_token=token)).verdict is Verdict.SUCCEEDED
    assert square.processor.submit(square.opened(), Submission(card_token=token)).verdict is Verdict.NOT_SENT
    assert len(square.charged_there()) == 1


def test_the_lists_are_read_page_by_page_and_to_their_end(square: SquareRig) -> None:
    paid = [square.paid(minor=1000 + n) for n in range(7)]
    listed = list(square.processor.list_since(now() - timedelta(days=1)))
    assert [each.reference for each in listed] == [order.reference for order in paid]
    assert square.processor.look_up(replace(paid[-1], processor_ref="")).money == Money(1006)
    square.script("list", "ok")
    square.script("list", "error_before")
    with pytest.raises(ProcessorUnavailable):
        list(square.processor.list_since(now() - timedelta(days=1)))


# Cards on file


def test_a_card_that_could_not_be_kept_leaves_the_payment_paid(square: SquareRig) -> None:
    order = square.opened()
    square.script("keep_card", "error_before", times=2)
    paid = square.pay(order, save=True)
    assert (paid.verdict, paid.saved_card) == (Verdict.SUCCEEDED, None)
    assert square.account.cards == {}
    assert len(square.charged_there()) == 1


def test_a_card_whose_keeping_got_no_answer_is_found_and_kept_once(square: SquareRig) -> None:
    order = square.opened()
    square.script("keep_card", "error_after")
    paid = square.pay(order, save=True)
    assert paid.saved_card is not None
    assert len(square.account.cards) == 1
    assert square.processor.look_up(replace(order, processor_ref=paid.processor_ref)) == paid


def test_a_payer_is_made_once_and_known_by_our_name_alone(square: SquareRig) -> None:
    payer = new_reference()
    square.pay(square.opened(payer_reference=payer), save=True)
    square.pay(square.opened(payer_reference=payer), save=True)
    assert [set(each) for each in square.account.customers.values()] == [{"id", "reference_id"}]
    assert [each["reference_id"] for each in square.account.customers.values()] == [payer]


def test_who_keeps_no_card_is_no_customer_there(square: SquareRig) -> None:
    square.pay(square.opened())
    assert square.account.customers == {}


def test_a_dispute_of_an_old_payment_comes_with_the_sweep(square: SquareRig) -> None:
    order = square.paid()
    since = square.fake.now() + timedelta(seconds=1)
    square.fake.offset += timedelta(seconds=2)
    number = square.dispute(order.processor_ref, 12000)
    square.fake.offset -= timedelta(seconds=2)
    (told,) = square.processor.list_since(since)
    assert [(each.processor_ref, each.status) for each in told.disputes] == [(number, "open")]


# With the payment path


@pytest.fixture
def world(square: SquareRig) -> World:
    world = make_world()
    account = world.processor_account
    account.connector, account.settings, account.secrets = "square", square.settings, square.secrets
    account.save()
    return world


@pytest.mark.django_db
@pytest.mark.parametrize("fault", ["silent_before", "silent_after", "drop_before", "error_after", "garbage"])
@pytest.mark.parametrize("call", ["commit", "complete", "look_up"])
def test_a_call_without_an_answer_ends_in_one_charge_or_none(
    world: World, square: SquareRig, call: str, fault: str
) -> None:
    account = world.processor_account
    account.settings = square.settings | {"timeout_s": "0.6"}
    account.save()
    line = make_line(world)
    square.script(call, fault)
    form = make_form(line, card_token=square.token(cards.PAID))
    attempt = start_payment(viewer=world.viewer, form=form)
    account.settings = square.settings
    account.save()
    for minutes in (2, 5, 20):
        with set_to(now() + timedelta(minutes=minutes)):
            attempt = reconcile_attempt(attempt.id)
    took = len(square.charged_there())
    assert took == (0 if call == "commit" or (call, fault[-6:]) == ("complete", "before") else 1)
    if took:
        assert (attempt.state, owed(line)) == (AttemptState.SUCCEEDED, 0)
    else:
        assert attempt.state in (AttemptState.CANCELED, AttemptState.FAILED)
        assert owed(line) == 12000
    assert sweep(account, now() - timedelta(days=1)) == 0


@pytest.mark.django_db
def test_a_list_that_lags_delays_nothing(world: World, square: SquareRig) -> None:
    square.account.lag_s = 60
    form = make_form(make_line(world), card_token=square.token(cards.PAID))
    assert start_payment(viewer=world.viewer, form=form).state == AttemptState.SUCCEEDED


@pytest.mark.django_db
def test_money_taken_and_the_card_not_kept_is_told_apart(world: World, square: SquareRig) -> None:
    square.script("keep_card", "error_before", times=2)
    form = make_form(make_line(world), card_token=square.token(cards.PAID), consent_version="2026-01")
    attempt = start_payment(viewer=world.viewer, form=form)
    assert (attempt.state, attempt.saved_card_id, attempt.consent_version) == ("succeeded", None, "2026-01")
    assert SavedCard.objects.count() == 0
    again = make_form(make_line(world), card_token=square.token(cards.PAID), consent_version="2026-01")
    kept = start_payment(viewer=world.viewer, form=again)
    assert Attempt.objects.get(pk=kept.pk).saved_card == SavedCard.objects.get()


def test_an_unknown_key_is_no_word_for_the_log(square: SquareRig, caplog: pytest.LogCaptureFixture) -> None:
    square.secrets["access_token"] = new_key()
    told = square.connected().look_up(new_order())
    assert (told.verdict, told.detail) == (Verdict.UNKNOWN, "refused: 401 UNAUTHORIZED")
    assert square.secrets["access_token"] not in caplog.text


def test_a_fee_that_square_has_not_told_yet_is_none_and_corrections_count(square: SquareRig) -> None:
    order = square.paid(12000)
    payment = square.account.payments[order.processor_ref]
    fees = payment.pop("processing_fee")
    assert square.charged()[0].fee is None
    back = {"type": "ADJUSTMENT", "amount_money": {"amount": -100, "currency": "USD"}}
    payment["processing_fee"] = [*fees, back]
    assert square.charged()[0].fee == Money(278)


def test_a_transfer_made_by_hand_is_not_itemized(square: SquareRig) -> None:
    square.paid(12000)
    square.account.payouts[square.pay_out()]["type"] = "SIMPLE"
    (told,) = square.processor.list_deposits(now() - timedelta(days=1))  # type: ignore[attr-defined]
    assert not told.is_itemized


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("PROCESSING_FEE_REFUND", PartKind.FEE), ("OPEN_DISPUTE", PartKind.DISPUTE),
        ("RETURNED_PAYOUT", PartKind.RETURNED), ("RESERVE_HOLD", PartKind.ADJUSTMENT),
        ("A_WORD_OF_TOMORROW", PartKind.ADJUSTMENT),
    ],
)  # fmt: skip
def test_their_words_for_what_is_in_a_payout(square: SquareRig, word: str, kind: PartKind) -> None:
    square.paid(12000)
    payout_id = square.pay_out()
    square.account.entries[payout_id][0]["type"] = word
    (part,) = square.processor.list_deposit_parts(payout_id)  # type: ignore[attr-defined]
    assert (part.kind, part.gross, part.fee) == (kind, Money(12000), Money(378))
