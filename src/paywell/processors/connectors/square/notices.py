"""Square's notices: `x-square-hmacsha256-signature`, and what they are about."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from paywell.processors.contract import BadNotice, RawNotice, Report


def verify(notice: RawNotice, secrets: Mapping[str, str], address: str) -> None:
    """Base64 of HMAC-SHA256 over our notice address and the raw body. Raises BadNotice.

    `address` is the one that Square has on file; the one in the request is what a proxy makes of it.
    """
    known = [secrets.get(name, "").strip() for name in ("notice_secret", "previous_notice_secret")]
    known = [secret for secret in known if secret]
    if not known:
        raise BadNotice("There is no signature key to verify notices with.")
    headers = {name.lower(): value for name, value in notice.headers.items()}
    given = headers.get("x-square-hmacsha256-signature", "").strip().encode()
    signed = address.encode() + notice.body
    matches = [
        hmac.compare_digest(base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()), given)
        for secret in known
    ]
    if not any(matches):
        raise BadNotice("The signature of the notice is wrong or missing.")


def read(body: bytes) -> list[Report]:
    """What a verified notice names."""
    try:
        event: dict[str, Any] = json.loads(body)
        kind, event_id = str(event["type"]), str(event["event_id"])
        charge_ref, reference = _names(event["data"].get("object") or {})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadNotice("The notice is signed, but it can't be read.") from None
    return [Report(event_id=event_id, charge_ref=charge_ref, reference=reference, kind=kind)]


def _names(told: Mapping[str, Any]) -> tuple[str, str]:
    """Their number and our reference of the payment. Neither for what is about no payment."""
    if "payment" in told:
        payment = told["payment"]
        reference = str(payment.get("reference_id") or "")
        return str(payment["id"]), reference if len(reference) <= 20 else ""
    if "refund" in told:
        return str(told["refund"].get("payment_id") or ""), ""
    if "dispute" in told:
        return str((told["dispute"].get("disputed_payment") or {}).get("payment_id") or ""), ""
    return "", ""
