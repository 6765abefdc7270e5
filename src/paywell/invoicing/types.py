"""Values that go in and out of invoicing."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from paywell.care.models import Service
from paywell.clients.models import BillingAccount
from paywell.core.money import Money
from paywell.invoicing.models import Invoice, InvoiceLine


@dataclass(frozen=True, slots=True)
class Uninvoiced:
    """What one billing account owes for services that stand on no invoice of its yet."""

    account: BillingAccount
    services: tuple[Service, ...]  #: by date
    parts: tuple[Money, ...]  #: what the account owes of each of them, in the same order
    total: Money

    @property
    def rows(self) -> list[tuple[Service, Money]]:
        """Each service with the account's part of it."""
        return list(zip(self.services, self.parts, strict=True))


class WhyLeftOut(StrEnum):
    """Why a batch invoices nothing for a service."""

    INVOICED = "invoiced"  #: it stands on an invoice already
    INSURER_ONLY = "insurer_only"  #: the insurer is to pay all of it
    VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A service that a batch would not invoice."""

    service: Service
    why: WhyLeftOut
    line: InvoiceLine | None = None  #: where it stands, with its invoice, if it does


@dataclass(frozen=True, slots=True)
class BatchProblem:
    """An account that a batch could not invoice, and why, in words."""

    account_id: UUID
    account_name: str
    code: str
    message: str


@dataclass
class Batch(list[Invoice]):
    """The invoices that a batch issued. What it could not do stands in `problems`."""

    problems: list[BatchProblem] = field(default_factory=list)
