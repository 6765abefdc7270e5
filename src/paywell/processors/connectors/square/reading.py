"""What Square says about a payment, a refund, a dispute or a card, in our words. An unknown word is `unknown`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from square.types.card import Card
from square.types.dispute import Dispute
from square.types.money import Money as TheirMoney
from square.types.payment import Payment
from square.types.payment_refund import PaymentRefund

from paywell.core.money import Money
from paywell.processors.contract import (
    CardFacts,
    Decline,
    Disputed,
    Outcome,
    Refunded,
    SavedCardFacts,
    Verdict,
)

#: `needs_action` without a step: authorized, and nothing is taken until `submit` completes it.
_PAYMENTS: Final = {
    "COMPLETED": Verdict.SUCCEEDED,
    "APPROVED": Verdict.NEEDS_ACTION,
    "PENDING": Verdict.PENDING,
    "CANCELED": Verdict.CANCELED,
    "FAILED": Verdict.DECLINED,
}
_REFUNDS: Final = {
    "COMPLETED": Verdict.SUCCEEDED,
    "PENDING": Verdict.PENDING,
    "REJECTED": Verdict.DECLINED,
    "FAILED": Verdict.DECLINED,
}
_OPEN_DISPUTES: Final = frozenset({"EVIDENCE_REQUIRED", "PROCESSING"})
_LOST_DISPUTES: Final = frozenset({"LOST", "ACCEPTED"})
_WON_DISPUTES: Final = frozenset({"WON"})
_DECLINES: Final[dict[str, Decline]] = {
    "INSUFFICIENT_FUNDS": Decline.INSUFFICIENT_FUNDS,
    "CARD_EXPIRED": Decline.EXPIRED_CARD,
    "INVALID_EXPIRATION": Decline.EXPIRED_CARD,
    "EXPIRATION_FAILURE": Decline.EXPIRED_CARD,
    "BAD_EXPIRATION": Decline.EXPIRED_CARD,
    "CVV_FAILURE": Decline.WRONG_CVC,
    "VERIFY_CVV_FAILURE": Decline.WRONG_CVC,
    "ADDRESS_VERIFICATION_FAILURE": Decline.WRONG_ZIP,
    "VERIFY_AVS_FAILURE": Decline.WRONG_ZIP,
    "INVALID_POSTAL_CODE": Decline.WRONG_ZIP,
    "INVALID_CARD": Decline.WRONG_NUMBER,
    "PAN_FAILURE": Decline.WRONG_NUMBER,
    "INVALID_ACCOUNT": Decline.WRONG_NUMBER,
    "CARD_DECLINED_VERIFICATION_REQUIRED": Decline.BANK_CHECK_FAILED,
    "ALLOWABLE_PIN_TRIES_EXCEEDED": Decline.TOO_MANY_TRIES,
    "TEMPORARY_ERROR": Decline.TRY_AGAIN_LATER,
}
_BRANDS: Final = {
    "VISA": "Visa",
    "MASTERCARD": "Mastercard",
    "AMERICAN_EXPRESS": "American Express",
    "DISCOVER": "Discover",
    "DISCOVER_DINERS": "Diners Club",
    "JCB": "JCB",
    "CHINA_UNIONPAY": "UnionPay",
}
#: Our own references, which we put where Square keeps a reason that staff may also type.
_OURS: Final = re.compile(r"[0-9A-Z]{20}", re.ASCII)


def tell_payment(
    payment: Payment,
    *,
    live_mode: bool,
    refunds: Sequence[Refunded] = (),
    disputes: Sequence[Disputed] = (),
    saved_card: SavedCardFacts | None = None,
) -> Outcome:
    """A payment as an outcome. Raises ValueError where it has no number."""
    if not payment.id:
        raise ValueError("The payment has no number.")
    status = payment.status or ""
    verdict = _PAYMENTS.get(status, Verdict.UNKNOWN)
    is_paid = verdict is Verdict.SUCCEEDED
    return Outcome(
        verdict,
        processor_ref=payment.id,
        reference=payment.reference_id or "",
        money=read_money(payment.total_money or payment.amount_money) if is_paid else None,
        fee=_fee_of(payment) if is_paid else None,
        card=_card_of(payment),
        saved_card=saved_card if is_paid else None,
        decline=decline_of(_reason(payment)) if verdict is Verdict.DECLINED else None,
        refunds=tuple(sorted(refunds, key=lambda each: (each.at is None, each.at, each.processor_ref))),
        disputes=tuple(disputes),
        live_mode=live_mode,
        at=moment(payment.updated_at or payment.created_at),
        memo=payment.note or "",
        detail="" if verdict is not Verdict.UNKNOWN else f"unknown status {status[:40]!r}",
    )


def failed_payment(body: Any) -> Payment | None:
    """The payment that a declined request leaves behind, as the error's body tells it."""
    told = body.get("payment") if isinstance(body, Mapping) else None
    return Payment.model_validate(told) if isinstance(told, Mapping) and told.get("id") else None


def tell_refund(refund: PaymentRefund) -> Refunded:
    reason = refund.reason or ""
    return Refunded(
        processor_ref=refund.id,
        money=read_money(refund.amount_money) or Money(0),
        verdict=_REFUNDS.get(refund.status or "", Verdict.UNKNOWN),
        reference=reason if _OURS.fullmatch(reason) else "",
        at=moment(refund.created_at),
    )


def tell_dispute(dispute: Dispute) -> Disputed | None:
    """None for an inquiry, in which no money is kept back."""
    state, money = str(dispute.state or ""), read_money(dispute.amount_money)
    if money is None or state in ("INQUIRY_EVIDENCE_REQUIRED", "INQUIRY_PROCESSING", "INQUIRY_CLOSED"):
        return None
    is_won = state in _WON_DISPUTES
    status = "won" if is_won else "lost" if state in _LOST_DISPUTES else "open"
    return Disputed(
        processor_ref=dispute.id or dispute.dispute_id or "",
        money=money,
        withheld=Money(0, money.currency) if is_won else money,
        status=status,
        at=moment(dispute.updated_at or dispute.created_at),
    )


def tell_card(card: Card, customer_ref: str) -> SavedCardFacts | None:
    """A card on file; None where it can't be used any more."""
    if not card.id or card.enabled is False or card.customer_id != customer_ref:
        return None
    return SavedCardFacts(card.id, customer_ref, read_card(card))


def read_card(card: Card) -> CardFacts:
    brand = _BRANDS.get(str(card.card_brand or ""), "Card")
    return CardFacts(brand, card.last4 or "", card.exp_month, card.exp_year)


def decline_of(code: str) -> Decline:
    """Our word for their code; GENERIC for one that tells a payer nothing."""
    return _DECLINES.get(code, Decline.GENERIC)


def fingerprint_of(payment: Payment) -> str:
    """The same for the same card number, whoever pays with it. Empty where they don't say."""
    card = payment.card_details.card if payment.card_details else None
    return (card.fingerprint or "") if card else ""


def moment(text: str | None) -> datetime | None:
    if not text:
        return None
    read = datetime.fromisoformat(text)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def _card_of(payment: Payment) -> CardFacts | None:
    card = payment.card_details.card if payment.card_details else None
    return read_card(card) if card else None


def _reason(payment: Payment) -> str:
    errors = payment.card_details.errors if payment.card_details else None
    return str(errors[0].code) if errors else ""


def _fee_of(payment: Payment) -> Money | None:
    """All fees of a payment and what was corrected of them. None while Square has not told any: they come later."""
    told = [read_money(fee.amount_money) for fee in payment.processing_fee or []]
    fees = [fee for fee in told if fee is not None]
    return sum(fees[1:], fees[0]) if fees else None


def read_money(money: TheirMoney | None) -> Money | None:
    """None where amount or currency is missing."""
    if money is None or money.amount is None or not money.currency:
        return None
    return Money(int(money.amount), str(money.currency))
