"""What a processor is told of an attempt or a refund, and the address to which it sends the payer back."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from paywell.core import clock
from paywell.core.money import Money
from paywell.payments.models import Attempt, ProcessorCustomer, Refund
from paywell.processors.contract import CardFacts, ChargeOrder, RefundOrder

#: Fixed by the portal's addresses; processors may have it on a list of allowed ones.
RETURN_PATH: Final = "/portal/return/{attempt_id}/{signature}/"
#: On the processor's page where the practice gave no discreet name: says nothing about care.
PLAIN_LABEL: Final = "Payment"


def charge_order(
    attempt: Attempt, *, customer: ProcessorCustomer | None = None, label: str = "", memo: str = ""
) -> ChargeOrder:
    """The attempt as the processor may know it: the same on every repeat, but for the hour.

    `memo` is needed to open it alone.
    """
    return_url = settings.PUBLIC_URL + RETURN_PATH.format(attempt_id=attempt.id, signature=sign_return(attempt))
    return ChargeOrder(
        reference=attempt.reference,
        money=Money(attempt.amount_minor, attempt.currency),
        open_key=attempt.open_key,
        submit_key=attempt.submit_key,
        return_url=return_url,
        cancel_url=return_url,
        label=label or PLAIN_LABEL,
        customer_ref=customer.customer_ref if customer else "",
        payer_reference=customer.reference if customer else "",
        processor_ref=attempt.processor_ref,
        created_at=attempt.created_at,
        has_step=bool(attempt.step_url),
        memo=memo,
        asked_at=clock.now(),
    )


def ask_about(charge_ref: str) -> ChargeOrder:
    """For looking up a charge of which only their name is known. Good for nothing else."""
    return ChargeOrder(
        reference="",
        money=Money(0, "USD"),
        open_key="",
        submit_key="",
        return_url="",
        cancel_url="",
        label=PLAIN_LABEL,
        processor_ref=charge_ref,
    )


def refund_order(refund: Refund, attempt: Attempt) -> RefundOrder:
    return RefundOrder(
        reference=refund.reference,
        key=refund.key,
        charge_ref=attempt.processor_ref,
        charge_reference=attempt.reference,
        money=Money(refund.amount_minor, refund.currency),
        is_full=refund.amount_minor == attempt.captured_minor,
        card=CardFacts(brand=attempt.card_brand, last4=attempt.card_last4),
        processor_ref=refund.processor_ref,
        created_at=refund.created_at,
        asked_at=clock.now(),
    )


def sign_return(attempt: Attempt) -> str:
    """The signature in the attempt's return address: needs no session, and can't be guessed."""
    value = f"{attempt.id}:{attempt.return_nonce}"
    return salted_hmac("paywell.payments.return", value, algorithm="sha256").hexdigest()[:43]


def is_return_signature(attempt: Attempt, signature: str) -> bool:
    return constant_time_compare(sign_return(attempt), signature)
