"""Authorize.Net's notices: `X-ANET-Signature`, and what they are about."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

from paywell.processors.contract import BadNotice, RawNotice, Report

_SCHEME: Final = "sha512="
_REFUND: Final = "net.authorize.payment.refund."
_ABOUT_PAYMENTS: Final = ("net.authorize.payment.", "net.authorize.payment.fraud.")
_REFERENCE_MAX: Final = 20


def verify(notice: RawNotice, secrets: Mapping[str, str]) -> None:
    """HMAC-SHA512 over the raw body, keyed with the Signature Key as text (not hex-decoded). Raises BadNotice.

    There is no moment in what they sign; a notice that is played again finds its id stored.
    """
    known = [secrets.get(name, "").strip() for name in ("notice_secret", "previous_notice_secret")]
    known = [secret for secret in known if secret]
    if not known:
        raise BadNotice("There is no Signature Key to verify notices with.")
    given = {name.lower(): value for name, value in notice.headers.items()}.get("x-anet-signature", "").strip()
    if given[: len(_SCHEME)].lower() != _SCHEME:
        raise BadNotice("The notice is not signed.")
    digest = given[len(_SCHEME) :].lower().encode()
    matches = [
        hmac.compare_digest(hmac.new(secret.encode(), notice.body, hashlib.sha512).hexdigest().encode(), digest)
        for secret in known
    ]
    if not any(matches):
        raise BadNotice("The signature of the notice is wrong.")


def read(body: bytes) -> list[Report]:
    """What a verified notice names. A refund made there goes by its own number: a look-up tells its charge."""
    try:
        event: dict[str, Any] = json.loads(body)
        payload = event.get("payload") or {}
        kind, event_id = str(event["eventType"]), str(event["notificationId"])
        charge_ref, reference = _names(kind, payload)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadNotice("The notice is signed, but it can't be read.") from None
    return [Report(event_id=event_id, charge_ref=charge_ref, reference=reference, kind=kind)]


def _names(kind: str, payload: Mapping[str, Any]) -> tuple[str, str]:
    """Their number and our reference of the charge. Neither for what is about no charge."""
    if not kind.startswith(_ABOUT_PAYMENTS) or payload.get("entityName") != "transaction":
        return "", ""
    said = [str(payload.get(name) or "") for name in ("merchantReferenceId", "invoiceNumber")]
    reference = next((each for each in said if 0 < len(each) <= _REFERENCE_MAX), "")
    if kind.startswith(_REFUND):
        # `merchantReferenceId` is that of our call. Made there, only the refund's own number says whose it is.
        ours = said[0] if len(said[0]) <= _REFERENCE_MAX else ""
        return "" if ours else str(payload["id"]), ours
    return str(payload["id"]), reference
