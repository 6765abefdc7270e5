"""The journey: set-up, pay and keep the card, pay with it, be declined, give back, find all in the list, forget.

It talks to a connector through the contract alone, so that the same journey runs against a stand-in (the suite does
that on every change) and against a processor's own test mode.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from paywell.core.clock import now
from paywell.core.ids import new_key, new_reference
from paywell.core.money import Money
from paywell.processors.contract import (
    Capability,
    ChargeOrder,
    Outcome,
    Processor,
    RefundOrder,
    SavedCardFacts,
    Style,
    Submission,
    Verdict,
)

#: Small, and unlike any other amount on a test account.
FIRST, SECOND, PART = Money(1207), Money(1311), Money(402)


class Payer(Protocol):
    """Who types the card: a test token where the card fields would be, or a person before the processor's page."""

    def good_card(self) -> str: ...

    def bad_card(self) -> str: ...

    def walk(self, url: str, what: str) -> None:
        """Two steps: open the page and do `what` there."""


class WentWrong(Exception):
    """The processor did something else than our connector promises. The text says what."""


@dataclass(frozen=True)
class Step:
    """One finished step, for the person who watches."""

    name: str
    found: str


def travel(processor: Processor, payer: Payer, return_url: str) -> Iterator[Step]:
    """Each step when it is done. Raises WentWrong at the first that is not as it should be."""
    problems = list(processor.check_setup())
    _demand(not problems, "check_setup", "; ".join(problems))
    yield Step("set-up", "the connection works")

    began = now() - timedelta(minutes=5)
    payer_reference = new_reference()

    def order(money: Money, customer_ref: str = "") -> ChargeOrder:
        return ChargeOrder(
            reference=new_reference(), money=money, open_key=new_key(), submit_key=new_key(), return_url=return_url,
            cancel_url=return_url, label="Payment", customer_ref=customer_ref, payer_reference=payer_reference,
            created_at=now(),
        )  # fmt: skip

    first, paid = _pay(processor, payer, order(FIRST), save=True)
    _expect_paid(paid, first)
    yield Step("a new card", f"{paid.processor_ref} took {paid.money}")
    card = paid.saved_card
    if Capability.SAVED_CARDS in processor.capabilities:
        _demand(card is not None, "keeping the card", "the processor tells of no kept card")
        assert card is not None
        yield Step("the card is kept", f"{card.card.brand} {card.card.last4}")
        second, again = _pay(processor, payer, order(SECOND, card.customer_ref), saved=card)
        _expect_paid(again, second)
        yield Step("the kept card", f"{again.processor_ref} took {again.money}")

    _, declined = _pay(processor, payer, order(FIRST), is_bad=True)
    _demand(declined.verdict is Verdict.DECLINED, "a declined card", str(declined))
    yield Step("a declined card", str(declined.decline))

    yield from _refund(processor, first, paid)
    yield _list(processor, began, first)
    if card is not None:
        _demand(
            processor.forget_card(card).verdict is Verdict.SUCCEEDED, "forgetting the card", "it is still there"
        )
        left = [each.token for each in processor.list_cards(card.customer_ref)]
        _demand(card.token not in left, "forgetting", "it is still listed")
        yield Step("the card is forgotten", "it is not listed any more")


def _pay(
    processor: Processor,
    payer: Payer,
    order: ChargeOrder,
    *,
    save: bool = False,
    saved: SavedCardFacts | None = None,
    is_bad: bool = False,
) -> tuple[ChargeOrder, Outcome]:
    """Open, submit, and believe the look-up alone, as the product does."""
    opened = processor.open(order)
    _demand(opened.verdict in (Verdict.NEEDS_ACTION, Verdict.PENDING), "open", str(opened))
    order = replace(order, processor_ref=opened.processor_ref)
    if processor.style is Style.TWO_STEP:
        if saved:
            what = f"pay {order.money} with the saved card"
        else:
            what = f"pay {order.money} with a {'declined' if is_bad else 'good'} test card"
            what += ", and tick the box that keeps it" if save else ""
        assert opened.step
        payer.walk(opened.step.url, what)
        submitted = processor.submit(order, Submission())
    else:
        token = "" if saved else payer.bad_card() if is_bad else payer.good_card()
        chosen = Submission(card_token=token, saved_card_token=saved.token if saved else "", save_card=save)
        submitted = processor.submit(order, chosen)
    if submitted.verdict is Verdict.DECLINED:
        return order, submitted
    order = replace(order, processor_ref=submitted.processor_ref or order.processor_ref)
    told = processor.look_up(order)
    return order, replace(told, saved_card=told.saved_card or submitted.saved_card)


def _refund(processor: Processor, order: ChargeOrder, paid: Outcome) -> Iterator[Step]:
    parts = [PART, order.money - PART]
    if Capability.PARTIAL_REFUND_BEFORE_SETTLEMENT not in processor.capabilities:
        parts = [order.money]
    for money in parts:
        refund = RefundOrder(
            reference=new_reference(), key=new_key(), charge_ref=paid.processor_ref or order.processor_ref,
            charge_reference=order.reference, money=money, is_full=money == order.money,
            **({"card": paid.card} if paid.card else {}),
        )  # fmt: skip
        told = processor.refund(refund)
        fine = told.verdict in (Verdict.SUCCEEDED, Verdict.PENDING) and told.money == money
        _demand(fine, "refund", str(told))
        yield Step("a void" if told.is_void else "a refund", f"{money}: {told.verdict}")


def _list(processor: Processor, began: object, order: ChargeOrder) -> Step:
    _demand(Capability.LIST_SINCE in processor.capabilities, "the list", "this connector has none")
    found = [each for each in processor.list_since(began) if each.reference == order.reference]  # type: ignore[arg-type]
    _demand(bool(found), "the list", f"{order.reference} is not in it")
    return Step("the list", "the payment is in it, under our reference")


def _expect_paid(told: Outcome, order: ChargeOrder) -> None:
    fine = (told.verdict, told.money, told.reference) == (Verdict.SUCCEEDED, order.money, order.reference)
    _demand(fine, "the payment", str(told))


def _demand(fine: bool, step: str, found: str) -> None:
    if not fine:
        raise WentWrong(f"{step}: {found}")
