"""A signed-in payer, a processor that keeps charges, and a way to see that nothing at all has changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from html import unescape
from typing import Any

import pytest
from django.db import models
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import reverse

from paywell.accounts.models import User
from paywell.clients.models import BillingAccount, Client, Contact, Grant, GrantRole
from paywell.core import clock
from paywell.core.ids import new_id
from paywell.invoicing.models import Invoice, InvoiceLine
from paywell.ledger.models import LineBalance, Transfer
from paywell.outbox.models import OutboxEvent
from paywell.payments import processor_accounts
from paywell.payments.models import (
    Attempt,
    AttemptEvent,
    AttemptLine,
    Claim,
    Refund,
    Review,
    SavedCard,
)
from paywell.payments.tests.factories import World, make_world
from paywell.payments.tests.fake_processor import FakeProcessor
from paywell.processors.contract import Style

_WATCHED: tuple[type[models.Model], ...] = (
    Attempt, AttemptEvent, AttemptLine, Claim, Transfer, LineBalance, Refund, Review, SavedCard, Invoice,
    InvoiceLine, OutboxEvent,
)  # fmt: skip


@dataclass
class Till:
    """What the processor took and what the books say: frozen at the beginning, compared at the end."""

    processor: FakeProcessor
    before: dict[str, list[Any]] = field(default_factory=dict)

    def remember(self) -> None:
        self.before = self._now()

    def assert_untouched(self) -> None:
        """Nothing was asked of the processor that could take money, and no row has changed."""
        now = self._now()
        assert {name for name in now if now[name] != self.before[name]} == set()

    def _now(self) -> dict[str, list[Any]]:
        rows: dict[str, list[Any]] = {
            model._meta.label: sorted(model.objects.values_list(), key=str) for model in _WATCHED
        }
        rows["charges"] = [(charge.reference, charge.status) for charge in self.processor.charges.values()]
        rows["calls"] = [call for call in self.processor.calls if call in ("open", "submit", "refund")]
        return rows


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> FakeProcessor:
    fake = FakeProcessor(Style.INLINE)
    monkeypatch.setattr(processor_accounts, "make_processor", lambda account: fake)
    return fake


@pytest.fixture
def two_step(world: World, processor: FakeProcessor) -> FakeProcessor:
    processor.style = Style.TWO_STEP
    world.processor_account.connector = "test_two_step"
    world.processor_account.save()
    return processor


@pytest.fixture
def till(world: World, processor: FakeProcessor) -> Till:
    return Till(processor)


@pytest.fixture
def payer(world: World) -> Payer:
    return Payer(world.user)


class Payer:
    """A person with a browser, who gets the window's form as the portal made it."""

    def __init__(self, user: User) -> None:
        self.browser = Browser()
        self.browser.force_login(user)

    def open_window(self, *lines: InvoiceLine) -> dict[str, Any]:
        """The window's form, filled in as it would be sent."""
        chosen = [str(line.id) for line in lines]
        response = self.browser.get(reverse("portal:pay_window"), {"line": chosen})
        assert response.status_code == 200
        return {
            "form": _value_of(response, "form"),
            "line": chosen,
            "card": "new",
            "card_token": "tok_1",
            "notes": "",
        }

    def send(self, form: dict[str, Any], /, **changes: Any) -> HttpResponse:
        return self.browser.post(reverse("portal:pay_start"), form | changes)  # type: ignore[return-value]

    def pay(self, *lines: InvoiceLine, **changes: Any) -> Attempt:
        """A whole payment, begun as it should be."""
        response = self.send(self.open_window(*lines), **changes)
        assert response.status_code == 303, response.content.decode()[:500]
        return Attempt.objects.latest("created_at", "id")


def _value_of(response: Any, name: str) -> str:
    page = response.content.decode()
    _, _, rest = page.partition(f'name="{name}" value="')
    return unescape(rest.partition('"')[0])


def make_neighbor(world: World, name: str = "Ines Alba") -> World:
    """Another client of the same practice, with an account, a contact and a sign-in of their own."""
    now = clock.now()
    first, _, last = name.partition(" ")
    account = BillingAccount.objects.create(practice=world.practice, name=name, created_at=now)
    client = Client.objects.create(
        practice=world.practice,
        legal_first_name=first,
        legal_last_name=last,
        default_account=account,
        created_at=now,
    )
    user = User.objects.create_user(f"{new_id().hex[-8:]}@example.org")
    contact = Contact.objects.create(practice=world.practice, name=name, user=user, created_at=now)
    Grant.objects.create(
        practice=world.practice, contact=contact, client=client, account=account, role=GrantRole.SELF,
        valid_from=date(2026, 1, 1), created_at=now,
    )  # fmt: skip
    return replace(world, account=account, client=client, user=user, contact=contact, invoices=1000)


@pytest.fixture
def refused_ids(caplog: pytest.LogCaptureFixture) -> Callable[[], set[str]]:
    """The ids that stand in the security log as refused."""

    def read() -> set[str]:
        lines = [record.getMessage() for record in caplog.records if record.name == "paywell.security"]
        return {part.removeprefix("target=") for line in lines for part in line.split() if part[:7] == "target="}

    return read


def page_of(response: Any) -> str:
    """The page as a person reads it: entities resolved."""
    return unescape(response.content.decode())
