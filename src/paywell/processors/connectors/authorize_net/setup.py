"""What the desk asks for to connect Authorize.Net, and whether the account is ready."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from paywell.processors.connectors.authorize_net.client import Api, Refused
from paywell.processors.contract import Connection, ConnectionField, Setup

SETUP: Final = Setup(
    lead=_("Two steps: clients press Next, choose their card on Authorize.Net's page and press Submit there."),
    fields=(
        ConnectionField(
            "login_id", _("API Login ID"), _("At Authorize.Net: Account, Settings, API Credentials & Keys."),
            is_secret=False, pattern=r"[0-9A-Za-z]{1,25}", advice=_("At most 25 letters and digits."),
        ),
        ConnectionField(
            "transaction_key", _("Transaction Key"), _("On the same page. 16 letters and digits."),
            pattern=r"[0-9A-Za-z]{16}", advice=_("The Transaction Key has 16 letters and digits. Copy it again."),
        ),
        ConnectionField(
            "notice_secret", _("Signature Key"), _("On the same page. 128 letters and digits."),
            pattern=r"[0-9A-Fa-f]{128}", advice=_("The Signature Key has 128 letters and digits. Copy it again."),
        ),
    ),
    notices=_(
        "At Authorize.Net: Account, Settings, Webhooks, Add Endpoint. Choose every event under Payment, and set"
        " the status to active."
    ),
)  # fmt: skip
_WHERE: Final = "At Authorize.Net open Account, then Settings, then "


def check(api: Api, connection: Connection) -> list[str]:
    """What is missing, in words. Three harmless calls that only read."""
    if not api.login_id or not api.transaction_key:
        return ["The API Login ID or the Transaction Key is missing. " + _WHERE + "API Credentials & Keys."]
    mode = "live" if connection.live_mode else "test (sandbox)"
    try:
        merchant = api.ask("getMerchantDetailsRequest")
    except Refused as refusal:
        if refusal.code == "E00007":
            return [
                f"Authorize.Net does not accept this API Login ID and Transaction Key for {mode} payments. Copy"
                f" both again, and make sure that they are those of a {mode} account."
            ]
        return [f"Authorize.Net did not answer as expected ({refusal.code}). Try again in some minutes."]
    problems = []
    if connection.live_mode and merchant.text("isTestMode") == "true":
        problems.append(
            "The account is in test mode, so cards are not charged. " + _WHERE + "Test Mode, and turn it off."
        )
    currencies = [(each.text or "").strip() for each in merchant.all("currencies/currency")]
    currency = connection.settings.get("currency") or "USD"
    if currencies and currency not in currencies:
        problems.append(f"The account takes {', '.join(currencies)}, but the connection says {currency}.")
    problems += _check_reporting(api)
    problems += _check_profiles(api)
    if not connection.secrets.get("notice_secret"):
        problems.append(
            "The Signature Key is missing, so notices can't be verified. Payments work, but news of them arrives"
            " later. " + _WHERE + "API Credentials & Keys, and make a new Signature Key."
        )
    return problems


def _check_reporting(api: Api) -> list[str]:
    paging = ("paging", [("limit", "1"), ("offset", "1")])
    try:
        api.ask("getUnsettledTransactionListRequest", paging)
    except Refused as refusal:
        if refusal.code == "E00011":
            return [
                "The Transaction Details API is off. Without it Paywell can't see what was paid. "
                + _WHERE
                + "Transaction Details API, and enable it."
            ]
        return [f"The list of payments can't be read ({refusal.code})."]
    return []


def _check_profiles(api: Api) -> list[str]:
    """Asks for a profile that can't be there."""
    try:
        api.ask("getCustomerProfileRequest", ("merchantCustomerId", "paywell-setup-check"))
    except Refused as refusal:
        if refusal.code == "E00044":
            return [
                "The Customer Information Manager is off, so clients can't keep a card. Enable it in the account's"
                " services, or ask Authorize.Net to."
            ]
        if refusal.code != "E00040":  # not found: just as it should be
            return [f"Customer profiles can't be read ({refusal.code})."]
    return []
