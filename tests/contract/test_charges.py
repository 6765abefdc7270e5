"""Reserve, commit, look up, fence: what every connector's charge does on a good day and on a declined one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from paywell.core.ids import new_key
from paywell.core.money import Money
from paywell.processors.contract import Capability, CardFacts, Decline, Style, Submission, Verdict
from tests.contract import rig as cards
from tests.contract.rig import Rig, TestbenchRig, new_order, wait_until


def test_open_reserves_and_takes_no_money(rig: Rig) -> None:
    order = new_order()
    opened = rig.processor.open(order)
    assert opened.verdict is Verdict.NEEDS_ACTION
    assert bool(opened.processor_ref) is rig.knows_opened
    assert (opened.step is not None) == (rig.processor.style is Style.TWO_STEP)
    order = replace(order, has_step=opened.step is not None)
    found = rig.processor.look_up(replace(order, processor_ref=opened.processor_ref))
    if rig.knows_opened or order.has_step:
        assert (found.verdict, found.money, found.reference) == (Verdict.NEEDS_ACTION, None, order.reference)
    else:
        assert (found.verdict, found.money) == (Verdict.ABSENT, None)
    assert rig.charged() == []


def test_open_again_with_the_same_key_finds_the_same_charge(rig: Rig) -> None:
    if not rig.calls_at_open:
        pytest.skip(f"{rig.name} has nothing to open")
    rig.needs(Capability.IDEMPOTENCY_KEYS)
    order = new_order()
    first, second = rig.processor.open(order), rig.processor.open(order)
    assert first == second
    assert len(list(rig.processor.list_since(first.at))) == 1


def test_the_same_key_with_other_content_is_no_success_and_changes_nothing(rig: Rig) -> None:
    if not rig.calls_at_open:
        pytest.skip(f"{rig.name} has nothing to open")
    rig.needs(Capability.IDEMPOTENCY_KEYS)
    order = rig.opened()
    again = rig.processor.open(replace(order, money=Money(99999)))
    assert again.verdict is Verdict.UNKNOWN
    assert rig.pay(order).money == Money(12000)


def test_a_reference_makes_one_charge_also_under_another_key(rig: Rig) -> None:
    if not rig.holds_references_unique:
        pytest.skip(f"{rig.name} takes a reference twice; one attempt has one key for ever")
    rig.needs(Capability.IDEMPOTENCY_KEYS)
    order = rig.opened()
    again = rig.processor.open(replace(order, open_key=new_key()))
    assert again.verdict in (Verdict.NOT_SENT, Verdict.UNKNOWN)
    assert rig.processor.look_up(order).processor_ref == order.processor_ref


def test_a_payment_succeeds_with_amount_currency_reference_and_card(rig: Rig) -> None:
    order = rig.opened()
    paid = rig.pay(order)
    assert paid.verdict is Verdict.SUCCEEDED
    assert (paid.money, paid.reference) == (order.money, order.reference)
    assert paid.processor_ref == (order.processor_ref or paid.processor_ref) != ""
    assert paid.card == (CardFacts("Visa", "4242", 12, 2040) if rig.tells_expiry else CardFacts("Visa", "4242"))
    assert (paid.live_mode, paid.saved_card, paid.decline) == (False, None, None)
    assert paid.at is not None
    assert rig.processor.look_up(order) == paid


@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD"])
def test_f45_minor_units_arrive_as_they_left_in_every_currency(rig: Rig, currency: str) -> None:
    if currency not in rig.currencies:
        assert rig.processor.open(new_order(money=Money(12345, currency))).verdict is Verdict.NOT_SENT
        return
    order = rig.opened(money=Money(12345, currency))
    assert rig.pay(order).money == Money(12345, currency)


def test_submit_again_takes_the_money_once(one_screen: Rig) -> None:
    order = one_screen.opened()
    submission = Submission(card_token=one_screen.token(cards.PAID))
    first = one_screen.processor.submit(order, submission)
    assert first.verdict is Verdict.SUCCEEDED
    assert one_screen.processor.submit(order, submission) == first
    assert len(one_screen.charged()) == 1


def test_submit_with_another_key_on_a_paid_charge_moves_nothing(rig: Rig) -> None:
    if not rig.one_charge_per_order:
        pytest.skip(f"{rig.name} knows keys only; an attempt never changes its own")
    order = rig.paid()
    again = rig.pay(replace(order, submit_key=new_key()), cards.PAID)
    assert (again.verdict, again.money) == (Verdict.SUCCEEDED, order.money)
    assert [each.money for each in rig.charged()] == [order.money]


def test_two_who_pay_the_same_charge_at_once_pay_once(rig: Rig) -> None:
    if not rig.one_charge_per_order:
        pytest.skip(f"{rig.name} knows keys only; an attempt never changes its own")
    order = rig.opened()
    rig.processor.look_up(order)
    orders = [replace(order, submit_key=new_key()) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(rig.pay, orders))
    assert {each.verdict for each in answers} == {Verdict.SUCCEEDED}
    assert [each.money for each in rig.charged()] == [order.money]


def test_a_card_token_works_once(one_screen: Rig) -> None:
    token = one_screen.token(cards.PAID)
    first, second = one_screen.opened(), one_screen.opened()
    assert one_screen.processor.submit(first, Submission(card_token=token)).verdict is Verdict.SUCCEEDED
    assert one_screen.processor.submit(second, Submission(card_token=token)).verdict is Verdict.NOT_SENT
    assert len(one_screen.charged()) == 1


DECLINES = [
    (cards.DECLINED, Decline.GENERIC),
    (cards.INSUFFICIENT_FUNDS, Decline.INSUFFICIENT_FUNDS),
    (cards.EXPIRED, Decline.EXPIRED_CARD),
    (cards.WRONG_CVC, Decline.WRONG_CVC),
]


@pytest.mark.parametrize(("card", "reason"), DECLINES)
def test_a_decline_is_an_answer_with_its_reason(one_screen: Rig, card: str, reason: Decline) -> None:
    order = one_screen.opened()
    declined = one_screen.pay(order, card, save=True)
    assert (declined.verdict, declined.decline, declined.money) == (Verdict.DECLINED, reason, None)
    assert declined.saved_card is None
    told = one_screen.processor.look_up(order)  # may know the card and the moment besides
    assert replace(told, card=declined.card, at=declined.at, detail=declined.detail) == declined
    assert one_screen.charged() == []
    if one_screen.one_charge_per_order:
        assert one_screen.pay(replace(order, submit_key=new_key())).verdict is Verdict.DECLINED
        assert one_screen.charged() == []


@pytest.mark.parametrize(("card", "reason"), DECLINES)
def test_a_decline_on_their_page_leaves_it_open_for_another_card(own_page: Rig, card: str, reason: Decline) -> None:
    order = own_page.opened()
    declined = own_page.pay(order, card)
    assert (declined.verdict, declined.money, declined.decline) == (Verdict.NEEDS_ACTION, None, None)
    assert own_page.charged() == []
    assert own_page.pay(order).verdict is Verdict.SUCCEEDED


@pytest.mark.parametrize("approve", [True, False])
def test_the_bank_asks_first(rig: Rig, approve: bool) -> None:
    if not rig.asks_bank:
        pytest.skip(f"{rig.name} asks the bank on its own page")
    order = rig.opened()
    asked = rig.pay(order, cards.BANK_CHECK)
    assert asked.verdict is Verdict.NEEDS_ACTION
    assert rig.charged() == []
    rig.answer_bank(asked, approve=approve)
    truth = rig.processor.look_up(order)
    if approve:
        assert (truth.verdict, truth.money) == (Verdict.SUCCEEDED, order.money)
    elif rig.processor.style is Style.INLINE:
        assert (truth.verdict, truth.decline) == (Verdict.DECLINED, Decline.BANK_CHECK_FAILED)
    else:
        assert truth.verdict is Verdict.NEEDS_ACTION
        assert rig.pay(order).verdict is Verdict.SUCCEEDED


def test_the_bank_s_question_is_answered_once(rig: Rig) -> None:
    if not rig.asks_bank:
        pytest.skip(f"{rig.name} asks the bank on its own page")
    order = rig.opened()
    asked = rig.pay(order, cards.BANK_CHECK)
    rig.answer_bank(asked, approve=True)
    rig.answer_bank(asked, approve=False)
    assert rig.processor.look_up(order).verdict is Verdict.SUCCEEDED
    assert len(rig.charged()) == 1


def test_a_late_answer_is_pending_and_then_paid(rig: Rig) -> None:
    order = rig.opened()
    late = rig.pay(order, cards.LATE)
    assert late.verdict is Verdict.PENDING
    if not isinstance(rig, TestbenchRig):  # whose clock brings the answer
        rig.settle(late.processor_ref, "succeeded")
    wait_until(lambda: rig.processor.look_up(order).verdict is Verdict.SUCCEEDED)
    assert rig.processor.look_up(order).money == order.money


def test_a_late_answer_may_be_a_decline(rig: Rig) -> None:
    order = rig.opened()
    late = rig.pay(order, cards.LATE)
    rig.settle(late.processor_ref, "declined")
    known = replace(order, processor_ref=late.processor_ref)
    assert rig.processor.look_up(known).verdict is Verdict.DECLINED
    assert rig.charged() == []


def test_look_up_finds_a_charge_by_our_reference_alone(rig: Rig) -> None:
    order = rig.paid()
    found = rig.processor.look_up(replace(order, processor_ref=""))
    assert (found.verdict, found.processor_ref) == (Verdict.SUCCEEDED, order.processor_ref)


def test_what_never_arrived_is_absent(rig: Rig) -> None:
    order = new_order()
    assert rig.processor.look_up(order).verdict is Verdict.ABSENT
    assert rig.processor.look_up(replace(order, processor_ref=rig.nobody_ref)).verdict is rig.told_of_nobody


def test_another_account_s_charge_is_absent(inline: TestbenchRig, two_step: TestbenchRig) -> None:
    order = inline.paid()
    assert two_step.processor.look_up(order).verdict is Verdict.ABSENT
    assert two_step.processor.look_up(replace(order, processor_ref="")).verdict is Verdict.ABSENT


def test_after_a_fence_no_money_can_be_taken(rig: Rig) -> None:
    rig.needs(Capability.FENCE)
    order = rig.opened()
    rig.processor.look_up(order)
    if isinstance(rig, TestbenchRig) and rig.processor.style is Style.TWO_STEP:
        rig.pay(order, cards.DECLINED)  # so that the payer's tab stands open
    assert rig.processor.cancel(order).verdict is Verdict.CANCELED
    assert rig.processor.cancel(order).verdict is Verdict.CANCELED
    assert rig.pay(order).verdict is Verdict.CANCELED
    assert rig.charged() == []


def test_a_fence_holds_against_an_open_that_arrives_later(rig: Rig) -> None:
    rig.needs(Capability.FENCE)
    order = new_order()
    assert rig.processor.cancel(order).verdict is Verdict.CANCELED
    late = rig.processor.open(order)
    assert late.verdict is Verdict.CANCELED
    assert rig.processor.look_up(order).verdict is Verdict.CANCELED
    assert rig.charged() == []


def test_a_fence_during_the_bank_s_question_wins(rig: Rig) -> None:
    rig.needs(Capability.FENCE)
    if not rig.asks_bank:
        pytest.skip(f"{rig.name} asks the bank on its own page")
    order = rig.opened()
    asked = rig.pay(order, cards.BANK_CHECK)
    assert rig.processor.cancel(order).verdict is Verdict.CANCELED
    if rig.processor.style is Style.INLINE:
        rig.answer_bank(asked, approve=True)
    assert rig.processor.look_up(order).verdict is Verdict.CANCELED
    assert rig.charged() == []


def test_a_fence_that_comes_too_late_says_what_happened(rig: Rig) -> None:
    order = rig.paid()
    fenced = rig.processor.cancel(order)
    assert (fenced.verdict, fenced.money) == (Verdict.SUCCEEDED, order.money)


def test_a_pending_charge_can_t_be_fenced_unless_it_can_be_voided(rig: Rig) -> None:
    order = rig.opened()
    rig.pay(order, cards.LATE)
    answers = (Verdict.CANCELED,) if rig.voids_pending else (Verdict.PENDING, Verdict.SUCCEEDED)
    assert rig.processor.cancel(order).verdict in answers
    if rig.voids_pending:
        assert rig.charged() == []


def test_another_amount_is_told_as_it_was_taken(rig: Rig) -> None:
    order = rig.opened()
    rig.script("capture", "other_amount", "11999")
    assert rig.pay(order).money == Money(11999)
    assert rig.processor.look_up(order).money == Money(11999)


def test_the_sweep_lists_every_charge_changed_since_then_page_by_page(rig: Rig) -> None:
    if not rig.lists_by_change:
        pytest.skip(f"{rig.name} has lists of another kind; see its own test")
    first = rig.paid()
    after_first = rig.processor.look_up(first).at
    others = [rig.opened() for _ in range(60)]
    listed = [each.reference for each in rig.processor.list_since(after_first)]
    assert listed == [first.reference, *(order.reference for order in others)]
    last = rig.processor.look_up(others[-1]).at
    rig.refund_there(first.processor_ref, 100)
    changed = list(rig.processor.list_since(last))
    assert [each.reference for each in changed] == [others[-1].reference, first.reference]
    assert changed[-1] == rig.processor.look_up(first)


def test_check_setup_says_what_is_wrong(rig: Rig) -> None:
    assert rig.processor.check_setup() == []
    assert len(rig.unreachable().check_setup()) == 1
    rig.secrets[rig.key_name] = new_key()[:16]
    wrong = rig.connected().check_setup()
    assert len(wrong) == 1
    assert rig.secrets[rig.key_name] not in wrong[0]
