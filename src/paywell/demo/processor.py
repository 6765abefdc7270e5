"""The demonstration's accounts at the test processor, and a payer's hands on its card fields and pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from paywell.accounts.access import access_desk
from paywell.accounts.types import Permission
from paywell.core import http
from paywell.core.ids import new_key
from paywell.demo.people import Troupe
from paywell.payments import processor_accounts
from paywell.payments.availability import allow_payments
from paywell.payments.deposits import sweep_deposits
from paywell.payments.models import Attempt, ProcessorAccount, Refund
from paywell.processors.testbench.app import Running
from paywell.processors.testbench.store import Store

VISA, MASTERCARD, AMEX = "4242424242424242", "5555555555554444", "378282246310005"
REFUSED, NO_MONEY = "4000000000000002", "4000000000009995"


@contextmanager
def serving(base_url: str, data: Path) -> Iterator[None]:
    """The test processor at `base_url`: the one that runs there, else one of ours for as long as the block."""
    with http.client(base_url, timeout_s=2) as client:
        try:
            is_there = client.get("/").is_success
        except httpx.HTTPError:
            is_there = False
    if is_there:
        yield
        return
    parts = urlsplit(base_url)
    data.parent.mkdir(parents=True, exist_ok=True)
    store = Store(data)
    try:
        with Running(store, parts.port or 80, parts.hostname or "127.0.0.1"):
            yield
    finally:
        store.close()


def connect(troupe: Troupe, base_url: str) -> ProcessorAccount:
    """Give the practice its account there, and turn payments on as its owner does."""
    account = processor_accounts.connect_processor(
        practice=troupe.practice,
        connector=troupe.part.connector,
        settings={"base_url": base_url, "account": f"acct_{new_key()[:12]}"},
        secrets={"api_key": new_key(), "notice_secret": new_key()},
        live_mode=False,
        actor_id=troupe.owner.id,
    )
    viewer = access_desk(troupe.owner, troupe.practice.slug, Permission.CHANGE_SETTINGS)
    allow_payments(viewer, True)
    return account


def move(account: ProcessorAccount, base_url: str, address: str) -> None:
    """Tell both sides where the other one is served today: the demonstration's ports may change."""
    account.settings = {
        **account.settings,
        "base_url": base_url,
        "notice_url": f"{address}/processors/{account.id}/notices/",
        "portal_origin": address,
    }
    account.save(update_fields=["settings"])
    wrong = processor_accounts.make_processor(account).check_setup()
    if wrong:
        raise RuntimeError(f"The test processor could not be set up: {' '.join(wrong)}")


def make_token(account: ProcessorAccount, number: str) -> str:
    """What the card fields in the frame give to our page for this card."""
    base_url = account.settings["base_url"]
    with http.client(base_url) as client:
        response = client.post(
            "/fields/tokens/",
            json={"account": account.settings["account"], **_typed(number)},
            headers={"Origin": base_url},
        )
    response.raise_for_status()
    return str(response.json()["token"])


def fill_in_page(
    account: ProcessorAccount, step_url: str, *, number: str = "", saved: str = "", save: bool
) -> None:
    """Do on the processor's own page what the payer does there, with a new card or with a saved one."""
    form = {"method": saved} if saved else {"method": "new", **_typed(number)}
    if save:
        form["save"] = "yes"
    with http.client(account.settings["base_url"]) as client:
        client.post(step_url, data=form)


def pay_out_past(account: ProcessorAccount, since: datetime) -> None:
    """Let the test processor have sent to the bank, day by day, what was paid since then; and read it here."""
    paid = Attempt.objects.filter(processor_account=account, closed_at__isnull=False).exclude(processor_ref="")
    moments = dict(paid.values_list("processor_ref", "closed_at"))
    given = Refund.objects.filter(attempt__processor_account=account).exclude(processor_ref="")
    moments |= dict(given.values_list("processor_ref", "created_at"))
    told = {name: moment.isoformat() for name, moment in moments.items() if moment}
    with http.client(account.settings["base_url"]) as client:
        headers = {
            "Authorization": f"Bearer {account.secrets['api_key']}", "Test-Account": account.settings["account"],
        }  # fmt: skip
        client.post("/test/entries", json=told, headers=headers).raise_for_status()
    sweep_deposits(account, since)


def _typed(number: str) -> dict[str, str]:
    cvc = "1234" if number.startswith("3") else "123"
    return {"number": number, "exp": "12/40", "cvc": cvc, "zip": "80401"}
