"""What Stripe says, in our words. A word of theirs that is not listed here is `unknown`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from paywell.core.money import Money
from paywell.processors.contract import (
    CardFacts,
    Decline,
    Disputed,
    Outcome,
    Refunded,
    Step,
    Verdict,
)

#: The keys under which our references stand in the metadata of their objects. Nothing else stands there.
REFERENCE: Final = "paywell"
PAYER: Final = "paywell_payer"
MEMO: Final = "paywell_memo"
#: Which connector made it: two of them may work with one account.
MADE_BY: Final = "paywell_by"
#: How long a value in metadata may be.
METADATA_MAX: Final = 500

_BRANDS: Final = {
    "visa": "Visa", "mastercard": "Mastercard", "amex": "American Express", "discover": "Discover",
    "diners": "Diners Club", "jcb": "JCB", "unionpay": "UnionPay", "eftpos_au": "eftpos", "link": "Link",
}  # fmt: skip

_GENERIC: Final = frozenset(
    {
        "call_issuer", "card_not_supported", "card_velocity_exceeded", "currency_not_supported", "do_not_honor",
        "do_not_try_again", "fraudulent", "generic_decline", "highest_risk_level", "elevated_risk_level",
        "invalid_account", "merchant_blacklist", "new_account_information_available", "no_action_taken",
        "not_permitted", "restricted_card", "revocation_of_all_authorizations", "revocation_of_authorization",
        "security_violation", "service_not_allowed", "stop_payment_order", "transaction_not_allowed", "rule",
        "card_declined", "testmode_decline", "invalid_amount", "duplicate_transaction",
        "live_mode_test_card", "test_mode_live_card", "previously_declined_do_not_retry",
    }
)  # fmt: skip
#: Stripe's decline codes (and its error codes, where a card is refused before the bank is asked).
DECLINES: Final[Mapping[str, Decline]] = {
    **dict.fromkeys(_GENERIC, Decline.GENERIC),
    "insufficient_funds": Decline.INSUFFICIENT_FUNDS,
    "withdrawal_count_limit_exceeded": Decline.INSUFFICIENT_FUNDS,
    "expired_card": Decline.EXPIRED_CARD,
    "invalid_expiry_month": Decline.EXPIRED_CARD,
    "invalid_expiry_year": Decline.EXPIRED_CARD,
    "incorrect_cvc": Decline.WRONG_CVC,
    "invalid_cvc": Decline.WRONG_CVC,
    "incorrect_number": Decline.WRONG_NUMBER,
    "invalid_number": Decline.WRONG_NUMBER,
    "incorrect_zip": Decline.WRONG_ZIP,
    "incorrect_address": Decline.WRONG_ZIP,
    "authentication_required": Decline.BANK_CHECK_FAILED,
    "authentication_not_handled": Decline.BANK_CHECK_FAILED,
    "payment_intent_authentication_failure": Decline.BANK_CHECK_FAILED,
    "mobile_device_authentication_required": Decline.BANK_CHECK_FAILED,
    "lost_card": Decline.LOST_OR_STOLEN,
    "stolen_card": Decline.LOST_OR_STOLEN,
    "pickup_card": Decline.LOST_OR_STOLEN,
    "pin_try_exceeded": Decline.TOO_MANY_TRIES,
    "card_decline_rate_limit_exceeded": Decline.TOO_MANY_TRIES,
    "approve_with_id": Decline.TRY_AGAIN_LATER,
    "issuer_not_available": Decline.TRY_AGAIN_LATER,
    "processing_error": Decline.TRY_AGAIN_LATER,
    "reenter_transaction": Decline.TRY_AGAIN_LATER,
    "try_again_later": Decline.TRY_AGAIN_LATER,
}

_REFUND_VERDICTS: Final = {
    "pending": Verdict.PENDING,
    "requires_action": Verdict.PENDING,
    "succeeded": Verdict.SUCCEEDED,
    "failed": Verdict.DECLINED,
    "canceled": Verdict.DECLINED,
}
_DISPUTE_ENDS: Final = {"won": "won", "warning_closed": "won", "lost": "lost", "prevented": "lost"}


Thing = Mapping[str, Any]  # an object of theirs, as plain values


def read_intent(intent: Thing, disputes: Iterable[Thing] = ()) -> Outcome:
    """A PaymentIntent, with its latest charge and that charge's refunds where they came along (`expand`)."""
    charge = get_charge(intent)
    verdict, step = _judge(intent, charge)
    money = None
    if verdict is Verdict.SUCCEEDED and intent.get("amount_received"):
        money = Money(intent["amount_received"], intent["currency"].upper())
    return Outcome(
        verdict,
        processor_ref=intent["id"],
        reference=read_metadata(intent, REFERENCE),
        memo=read_metadata(intent, MEMO),
        money=money,
        card=read_charged_card(charge),
        step=step,
        decline=_read_decline(intent, charge) if verdict is Verdict.DECLINED else None,
        refunds=tuple(read_refund(each) for each in reversed(_data(charge.get("refunds")))),
        disputes=tuple(read_dispute(each) for each in disputes),
        live_mode=intent["livemode"],
        at=read_time(charge.get("created") or intent["created"]),
        detail=f"unknown status {str(intent['status'])[:40]!r}" if verdict is Verdict.UNKNOWN else "",
    )


def _judge(intent: Thing, charge: Thing) -> tuple[Verdict, Step | None]:
    status = intent["status"]
    was_refused = intent.get("last_payment_error") is not None
    if status == "requires_action":
        redirect = (intent.get("next_action") or {}).get("redirect_to_url") or {}
        return Verdict.NEEDS_ACTION, Step(redirect["url"]) if redirect.get("url") else None
    if status in ("requires_payment_method", "requires_confirmation"):
        return (Verdict.DECLINED if was_refused else Verdict.NEEDS_ACTION), None
    if status == "canceled":
        # We cancel what was declined, so that nothing is left open: the refused charge still tells why.
        was_refused = was_refused or charge.get("status") == "failed"
        return (Verdict.DECLINED if was_refused else Verdict.CANCELED), None
    simple = {"succeeded": Verdict.SUCCEEDED, "processing": Verdict.PENDING}
    return simple.get(status, Verdict.UNKNOWN), None


def _read_decline(intent: Thing, charge: Thing) -> Decline:
    error = intent.get("last_payment_error") or {}
    outcome = charge.get("outcome") or {}
    return decline_for(
        error.get("decline_code"), error.get("code"), outcome.get("reason"), charge.get("failure_code")
    )


def decline_for(*words: str | None) -> Decline:
    """The first of their words that says more than "declined"; a word that is not known is a plain decline."""
    reasons = [DECLINES.get(word, Decline.GENERIC) for word in words if word]
    return next((reason for reason in reasons if reason is not Decline.GENERIC), Decline.GENERIC)


def get_charge(intent: Thing) -> Thing:
    """The latest charge where it was asked for with the intent; empty where there is none."""
    charge = intent.get("latest_charge")
    return charge if isinstance(charge, Mapping) else {}


def read_charged_card(charge: Thing) -> CardFacts | None:
    card = (charge.get("payment_method_details") or {}).get("card")
    return read_card(card) if card else None


def read_card(card: Thing) -> CardFacts:
    return CardFacts(
        _BRANDS.get(card.get("brand") or "", "Card"),
        card.get("last4") or "",
        card.get("exp_month"),
        card.get("exp_year"),
    )


def read_refund(refund: Thing) -> Refunded:
    return Refunded(
        processor_ref=refund["id"],
        money=Money(refund["amount"], refund["currency"].upper()),
        verdict=_REFUND_VERDICTS.get(refund["status"], Verdict.UNKNOWN),
        reference=read_metadata(refund, REFERENCE),
        at=read_time(refund["created"]),
    )


def read_dispute(dispute: Thing) -> Disputed:
    """`withheld` is what their balance transactions say: an inquiry takes nothing, a won dispute gives it back."""
    currency = dispute["currency"].upper()
    moved = -sum(each["amount"] for each in dispute.get("balance_transactions") or [])
    return Disputed(
        processor_ref=dispute["id"],
        money=Money(dispute["amount"], currency),
        withheld=Money(max(moved, 0), currency),
        status=_DISPUTE_ENDS.get(dispute["status"], "open"),
        at=read_time(dispute["created"]),
    )


def read_metadata(thing: Thing, key: str) -> str:
    return str((thing.get("metadata") or {}).get(key) or "")


def read_time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _data(listed: Thing | None) -> list[Thing]:
    return list(listed["data"]) if listed else []
