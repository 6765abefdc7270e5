"""Cards that the processor keeps: only when asked, only for one payer, gone when forgotten."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from paywell.core.ids import new_reference
from paywell.processors.contract import ProcessorUnavailable, SavedCardFacts, Style, Verdict
from tests.contract import rig as cards
from tests.contract.rig import Rig, TestbenchRig


def keep(rig: Rig, payer: str) -> SavedCardFacts:
    order = rig.opened(payer_reference=payer)
    saved = rig.pay(order, save=True).saved_card
    assert saved is not None
    return saved


def test_a_card_is_kept_only_when_asked(rig: Rig) -> None:
    payer = new_reference()
    assert rig.pay(rig.opened(payer_reference=payer)).saved_card is None
    saved = keep(rig, payer)
    assert (saved.card.brand, saved.card.last4, saved.card.exp_month) == ("Visa", "4242", 12)
    assert rig.processor.list_cards(saved.customer_ref) == [saved]


def test_a_kept_card_is_told_again_by_every_look_up(rig: Rig) -> None:
    order = rig.opened()
    saved = rig.pay(order, save=True).saved_card
    assert rig.processor.look_up(order).saved_card == saved is not None


def test_a_saved_card_pays_and_is_not_kept_a_second_time(rig: Rig) -> None:
    payer = new_reference()
    saved = keep(rig, payer)
    order = rig.opened(customer_ref=saved.customer_ref)
    paid = rig.pay_saved(order, saved.token)
    assert (paid.verdict, paid.card and paid.card.last4) == (Verdict.SUCCEEDED, saved.card.last4)
    assert paid.saved_card == (saved if rig.tells_used_cards else None)
    assert keep(rig, payer) == saved
    assert rig.processor.list_cards(saved.customer_ref) == [saved]


def test_a_declined_card_is_not_kept(rig: Rig) -> None:
    order = rig.opened()
    declined = rig.pay(order, cards.DECLINED, save=True)
    assert declined.saved_card is None
    paid_with_another = rig.opened(payer_reference=order.payer_reference)
    saved = rig.pay(paid_with_another, save=True).saved_card
    assert saved is not None
    assert [each.card.last4 for each in rig.processor.list_cards(saved.customer_ref)] == ["4242"]


def test_a_card_is_kept_when_the_late_answer_comes(rig: Rig) -> None:
    if not rig.keeps_late:
        pytest.skip(f"{rig.name} keeps a card by a call of its own, right after the payment")
    order = rig.opened()
    late = rig.pay(order, cards.LATE, save=True)
    assert late.saved_card is None
    rig.settle(late.processor_ref, "succeeded")
    assert rig.processor.look_up(order).saved_card is not None


def test_one_payer_s_card_is_neither_seen_nor_usable_by_another(rig: Rig) -> None:
    mine, other = keep(rig, new_reference()), keep(rig, new_reference())
    assert mine.customer_ref != other.customer_ref
    assert rig.processor.list_cards(other.customer_ref) == [other]
    order = rig.opened(customer_ref=other.customer_ref)
    before = len(rig.charged())
    refused = rig.pay_saved(order, mine.token)
    expected = Verdict.NOT_SENT if rig.processor.style is Style.INLINE else Verdict.NEEDS_ACTION
    assert refused.verdict is expected
    assert len(rig.charged()) == before
    assert rig.processor.forget_card(replace(mine, customer_ref=other.customer_ref)).verdict is Verdict.SUCCEEDED
    assert rig.processor.list_cards(mine.customer_ref) == [mine]


def test_without_a_payer_no_card_is_kept(rig: Rig) -> None:
    order = rig.opened(payer_reference="")
    assert rig.pay(order, save=True).saved_card is None


def test_their_page_shows_the_payer_s_own_cards_and_no_other(two_step: TestbenchRig) -> None:
    mine, other = keep(two_step, new_reference()), keep(two_step, new_reference())
    step = two_step.processor.look_up(two_step.opened(customer_ref=mine.customer_ref)).step
    assert step is not None
    page = httpx.get(step.url).text
    assert mine.token in page
    assert other.token not in page


def test_a_forgotten_card_is_gone_and_forgetting_may_be_repeated(rig: Rig) -> None:
    saved = keep(rig, new_reference())
    assert rig.processor.forget_card(saved).verdict is Verdict.SUCCEEDED
    assert rig.processor.forget_card(saved).verdict is Verdict.SUCCEEDED
    assert rig.processor.list_cards(saved.customer_ref) == []
    before = len(rig.charged())
    rig.pay_saved(rig.opened(customer_ref=saved.customer_ref), saved.token)
    assert len(rig.charged()) == before


def test_a_list_of_cards_that_can_t_be_read_is_no_empty_list(rig: Rig) -> None:
    saved = keep(rig, new_reference())
    for fault in ("drop_before", "garbage", "error_before"):
        rig.script("cards", fault)
        with pytest.raises(ProcessorUnavailable):
            rig.processor.list_cards(saved.customer_ref)
    assert rig.unreachable().forget_card(saved).verdict is Verdict.NOT_SENT
    assert rig.processor.list_cards(saved.customer_ref) == [saved]


def test_nobody_has_no_cards(rig: Rig) -> None:
    keep(rig, new_reference())
    assert rig.processor.list_cards("") == []
