"""Stripe's events: verified with the present and the previous secret, and read as "something about this charge"."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import stripe

from paywell.processors.connectors.stripe.reading import MADE_BY, REFERENCE, read_metadata
from paywell.processors.contract import BadNotice, RawNotice, Report

WINDOW_S: Final = 300
#: What the practice turns on at Stripe.
EVENTS: Final = (
    "payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.processing",
    "payment_intent.canceled", "charge.refunded", "refund.created", "refund.updated", "refund.failed",
    "charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed",
    "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated",
    "checkout.session.completed", "checkout.session.expired",
)  # fmt: skip


def read_notice(notice: RawNotice, secrets: Mapping[str, str], made_by: str) -> list[Report]:
    """Raises BadNotice. Empty for an event about what another program does with the same Stripe account."""
    verify(notice, secrets)
    try:
        event = json.loads(notice.body)
        thing = event["data"]["object"]
        kind, event_id, live_mode = str(event["type"]), str(event["id"]), event["livemode"]
        charge_ref = _charge_of(thing)
        # A refund's own metadata names the refund, not the payment.
        carries_ours = thing["object"] in ("payment_intent", "charge", "checkout.session")
    except (ValueError, KeyError, TypeError):
        raise BadNotice("The notice is signed, but it can't be read.") from None
    if not charge_ref:
        return []
    reference = read_metadata(thing, REFERENCE) if carries_ours else ""
    if carries_ours and (not reference or read_metadata(thing, MADE_BY) != made_by):
        return []
    return [Report(event_id, charge_ref, reference, kind, live_mode)]


def _charge_of(thing: Mapping[str, Any]) -> str:
    if thing["object"] in ("payment_intent", "checkout.session"):
        return str(thing["id"])
    return str(thing.get("payment_intent") or "")


def verify(notice: RawNotice, secrets: Mapping[str, str]) -> None:
    """The signature by the SDK, the hour by the notice's own: also where there is no secret, BadNotice."""
    known = [secrets.get(name, "") for name in ("notice_secret", "previous_notice_secret")]
    header = {name.lower(): value for name, value in notice.headers.items()}.get("stripe-signature", "")
    sent_at = dict(part.split("=", 1) for part in header.split(",") if "=" in part).get("t", "")
    if not any(known):
        raise BadNotice("There is no secret to verify notices with.")
    if not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) <= 12):
        raise BadNotice("The notice is not signed.")
    if abs(notice.received_at.timestamp() - int(sent_at)) > WINDOW_S:
        raise BadNotice("The notice is outside the time window.")
    if not any(_is_signed(notice.body, header, secret) for secret in known if secret):
        raise BadNotice("The signature of the notice is wrong.")


def _is_signed(body: bytes, header: str, secret: str) -> bool:
    try:
        return bool(stripe.WebhookSignature.verify_header(body.decode(), header, secret, None))
    except (stripe.SignatureVerificationError, ValueError, TypeError):
        return False
