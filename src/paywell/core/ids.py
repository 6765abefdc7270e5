"""Identifiers made by the application. The only place that draws random ones."""

from __future__ import annotations

import secrets
import uuid

from uuid_utils.compat import uuid7

_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ0123456789"
_TYPED = "ABCDEFGHJKMNPQRSTVWXYZ23456789"

#: Authorize.Net's limit for an invoice number and a refId; every processor's reference fits in it.
REFERENCE_LENGTH = 20


def new_id() -> uuid.UUID:
    """A UUID version 7: unique everywhere, and rising with time, so that indexes stay compact."""
    return uuid7()


def new_key() -> str:
    """An idempotency key: random, so that a restore from a back-up can never bring an old one back."""
    return secrets.token_hex(16)


def new_reference() -> str:
    """Our reference at a processor: 20 characters, random, never a number in a sequence."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(REFERENCE_LENGTH))


def new_token() -> str:
    """A secret that stands in a link: 256 random bits, safe in a URL."""
    return secrets.token_urlsafe(32)


def new_code() -> str:
    """A secret that a person types: three groups of four characters, 58 random bits, none that look alike."""
    groups = ("".join(secrets.choice(_TYPED) for _ in range(4)) for _ in range(3))
    return "-".join(groups)
