"""The requests that we send, element by element in the order of Authorize.Net's schema."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Final

from paywell.core.money import format_plain
from paywell.processors.connectors.authorize_net.client import Node
from paywell.processors.contract import ChargeOrder, RefundOrder

#: The longest memory for repeats that there is: same card, amount and invoice number. Seconds.
DUPLICATE_WINDOW_S: Final = 28_800
#: Most rows that a list gives at once.
PAGE_SIZE: Final = 1000


def hosted_page(order: ChargeOrder, customer_ref: str) -> list[Node | None]:
    """A page to pay `order` on. No name, no service, no e-mail; their own receipt is off."""
    profile: Node | None = ("profile", [("customerProfileId", customer_ref)]) if customer_ref else None
    return [
        (
            "transactionRequest",
            [
                ("transactionType", "authCaptureTransaction"),
                ("amount", format_plain(order.money)),
                ("currencyCode", order.money.currency),
                profile,
                ("order", [("invoiceNumber", order.reference)]),
                _transaction_settings(),
            ],
        ),
        (
            "hostedPaymentSettings",
            [_setting(name, json.dumps(value)) for name, value in _page(order, customer_ref)],
        ),
    ]


def customer(payer_reference: str) -> list[Node | None]:
    """A customer profile that knows nothing but our opaque name of the payer."""
    return [("profile", [("merchantCustomerId", payer_reference)])]


def refund(order: RefundOrder, last4: str) -> list[Node | None]:
    """Gives back a settled charge. The invoice number is the refund's own, so that a repeat is a duplicate."""
    card: Node = ("creditCard", [("cardNumber", last4), ("expirationDate", "XXXX")])
    return [
        (
            "transactionRequest",
            [
                ("transactionType", "refundTransaction"),
                ("amount", format_plain(order.money)),
                ("currencyCode", order.money.currency),
                ("payment", [card]),
                ("refTransId", order.charge_ref),
                ("order", [("invoiceNumber", order.reference)]),
                _transaction_settings(),
            ],
        )
    ]


def void(charge_ref: str) -> list[Node | None]:
    return [("transactionRequest", [("transactionType", "voidTransaction"), ("refTransId", charge_ref)])]


def newest_first(page: int, size: int) -> list[Node | None]:
    """Sorting and paging of a list; pages count from 1."""
    return [
        ("sorting", [("orderBy", "submitTimeUTC"), ("orderDescending", "true")]),
        ("paging", [("limit", str(size)), ("offset", str(page))]),
    ]


def batches(first: datetime, last: datetime, *, with_sums: bool = False) -> list[Node | None]:
    """Batches settled in that time, at most 31 days of it; with what was taken and given back in each."""
    return [
        ("includeStatistics", "true") if with_sums else None,
        ("firstSettlementDate", first.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),
        ("lastSettlementDate", last.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),
    ]


def _page(order: ChargeOrder, customer_ref: str) -> list[tuple[str, dict[str, object]]]:
    returning: dict[str, object] = {
        "showReceipt": False,
        "url": order.return_url,
        "urlText": "Continue",
        "cancelUrl": order.cancel_url,
        "cancelUrlText": "Cancel",
    }
    return [
        ("hostedPaymentReturnOptions", returning),
        ("hostedPaymentButtonOptions", {"text": "Submit"}),
        ("hostedPaymentOrderOptions", {"show": True, "merchantName": order.label}),
        (
            "hostedPaymentPaymentOptions",
            {"cardCodeRequired": True, "showCreditCard": True, "showBankAccount": False},
        ),
        ("hostedPaymentBillingAddressOptions", {"show": True, "required": False}),
        ("hostedPaymentShippingAddressOptions", {"show": False, "required": False}),
        (
            "hostedPaymentCustomerOptions",
            {"showEmail": False, "requiredEmail": False, "addPaymentProfile": bool(customer_ref)},
        ),
    ]


def _transaction_settings() -> Node:
    return (
        "transactionSettings",
        [_setting("duplicateWindow", str(DUPLICATE_WINDOW_S)), _setting("emailCustomer", "false")],
    )


def _setting(name: str, value: str) -> Node:
    return ("setting", [("settingName", name), ("settingValue", value)])
