"""What people call a card: one way for the portal, the desk, documents, e-mails and reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext as _

#: Processors and old rows spell a brand in several ways; anything else is shown as it came.
_BRANDS: Final[Mapping[str, str]] = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "american express": "American Express",
    "discover": "Discover",
    "diners": "Diners Club",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}


def name_brand(brand: str) -> str:
    """`American Express` for `amex` as for `american_express`; empty where the brand is not known."""
    return _BRANDS.get(brand.lower().replace("_", " "), brand)


def name_card(brand: str, last4: str) -> str:
    """`Visa 4242`, from a brand's code or its name; empty where the card is not known."""
    return f"{name_brand(brand) or _('Card')} {last4}" if last4 else ""


def name_expiry(month: int | None, year: int | None) -> str:
    """`08/28`, as it stands on the card; empty where it is not known."""
    return f"{month:02d}/{year % 100:02d}" if month and year else ""
