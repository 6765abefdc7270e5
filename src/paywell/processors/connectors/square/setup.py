"""What the desk asks for to connect Square, and whether the account is ready."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from paywell.processors.connectors.square.client import OPTIONS, Api, Refused
from paywell.processors.contract import Connection, ConnectionField, Setup

SETUP: Final = Setup(
    lead=_("One screen: clients enter their card in Square's own fields on the payment page."),
    fields=(
        ConnectionField(
            "application_id", _("Application ID"),
            _("At developer.squareup.com: your application, Credentials."), is_secret=False,
            pattern=r"(sandbox-sq0idb-|sq0idp-)[-_0-9A-Za-z]+",
            advice=_("It begins with sq0idp- (live) or sandbox-sq0idb- (test)."),
        ),
        ConnectionField(
            "location_id", _("Location ID"), _("Your application, Locations: the one that takes the payments."),
            is_secret=False, pattern=r"[0-9A-Z]{6,32}", advice=_("Capital letters and digits. Copy it again."),
        ),
        ConnectionField("access_token", _("Access token"), _("Your application, Credentials.")),
        ConnectionField(
            "notice_secret", _("Signature key"), _("Your application, Webhooks: of the subscription, see below."),
            is_required=False,
        ),
    ),
    notices=_(
        "Your application, Webhooks, Subscriptions, Add. Choose payment.created, payment.updated, refund.created,"
        " refund.updated and dispute.created, dispute.state.updated; then copy its signature key into this form."
    ),
)  # fmt: skip
_TEST_APPLICATION: Final = "sandbox-"


def check(api: Api, connection: Connection) -> list[str]:
    """What is missing, in words. One harmless call that only reads."""
    application_id = connection.settings.get("application_id", "")
    if not application_id or not api.location_id or not api.access_token:
        return ["The Application ID, the Location ID or the Access token is missing."]
    mode = "live" if connection.live_mode else "test (sandbox)"
    if application_id.startswith(_TEST_APPLICATION) is connection.live_mode:
        return [f"This Application ID is not one for {mode} payments. Copy the one of that mode."]
    try:
        listed = api.call(lambda square: square.locations.list(request_options=OPTIONS)).locations or []
    except Refused as refusal:
        if refusal.status in (401, 403):
            return [
                f"Square does not accept this Access token for {mode} payments. Copy it again, and make sure"
                f" that it is the {mode} one."
            ]
        return [f"Square did not answer as expected ({refusal.code}). Try again in some minutes."]
    location = next((each for each in listed if each.id == api.location_id), None)
    if location is None:
        return ["The account has no location with this Location ID. Copy it again."]
    problems = []
    if location.status != "ACTIVE":
        problems.append("The location is not active at Square.")
    if "CREDIT_CARD_PROCESSING" not in (location.capabilities or []):
        problems.append("The location can't take cards yet. Finish the set-up of payments at Square.")
    if location.currency and str(location.currency) != api.currency:
        problems.append(f"The location takes {location.currency}, but the connection says {api.currency}.")
    if not connection.secrets.get("notice_secret"):
        problems.append(
            "The signature key is missing, so notices can't be verified. Payments work, but news of them arrives"
            " later. At Square add a webhook subscription, and copy its signature key."
        )
    return problems
