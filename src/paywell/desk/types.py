"""Values that desk queries hand to desk pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from paywell.accounts.models import Invitation
from paywell.care.models import Service
from paywell.clients.models import Client, Contact, Grant
from paywell.core.money import Money
from paywell.core.paging import Page, cut_page, page_bounds
from paywell.desk.review_words import ReviewWords
from paywell.invoicing.models import Invoice, InvoiceLine
from paywell.payments.models import Review, SavedCard
from paywell.payments.types import PaymentRow

if TYPE_CHECKING:
    from paywell.desk.queries.waiting import Waiting

Source = TypeVar("Source", bound=models.Model)
Row = TypeVar("Row")


def paginate(rows: models.QuerySet[Source], number: int, make: Callable[[list[Source]], list[Row]]) -> Page[Row]:
    """Page `number` of `rows`, its rows made by `make`: one query and make's own, however long the list is."""
    page: Page[Source] = cut_page(rows[page_bounds(number)], number)
    return page.with_rows(make(list(page.rows)))


def paginate_whole(
    keys: models.QuerySet[Source],
    whole: models.QuerySet[Source],
    number: int,
    make: Callable[[list[Source]], list[Row]],
) -> Page[Row]:
    """The same, for rows read with much around them: of `keys`, scoped to the viewer, in the order of `whole`.

    The page is found by its keys, which an index has in the list's order, and only its own rows are then read with
    all that belongs to them: a page far behind costs what it skips in that index. Two statements: in one,
    PostgreSQL looks for the page once for each row while it does not know yet how large the tables are.
    """
    found = list(keys.order_by(*whole.query.order_by).values_list("pk", flat=True)[page_bounds(number)])
    page: Page[Source] = cut_page(whole.filter(pk__in=found), number)
    return page.with_rows(make(list(page.rows)))


class PortalStatus(models.TextChoices):
    """Whether anybody can sign in for a client; the best one first."""

    ACTIVE = "active", _("Active")
    INVITED = "invited", _("Invited")
    EXPIRED = "expired", _("Invitation expired")
    NOT_INVITED = "not_invited", _("Not invited")

    @property
    def tone(self) -> str:
        return {"active": "good", "invited": "wait", "expired": "warn"}.get(self.value, "info")


@dataclass(frozen=True, slots=True)
class Owed:
    """What is owed, and what of it is past its due date."""

    balance: Money
    overdue: Money


@dataclass(frozen=True, slots=True)
class ClientRow:
    client: Client
    owed: Owed
    portal_status: PortalStatus


@dataclass(frozen=True, slots=True)
class ClientHeader:
    """What stands at the top of every page of a client's record."""

    client: Client
    owed: Owed
    credit: Money
    uninvoiced: Money
    uninvoiced_count: int
    portal_status: PortalStatus


class ServiceState(models.TextChoices):
    """Where a service stands between recorded and paid."""

    NOT_INVOICED = "not_invoiced", _("Not invoiced")
    PARTLY_INVOICED = "partly_invoiced", _("Partly invoiced")
    INSURER_ONLY = "insurer_only", _("Insurer pays all")
    OPEN = "open", _("Open")
    PAID = "paid", _("Paid")
    VOIDED = "voided", _("Void")

    @property
    def tone(self) -> str:
        return {"paid": "good", "open": "wait", "not_invoiced": "warn", "partly_invoiced": "warn"}.get(
            self.value, "info"
        )


@dataclass(frozen=True, slots=True)
class ServiceRow:
    service: Service
    state: ServiceState
    fee: Money
    client_part: Money
    balance: Money
    invoices: tuple[tuple[UUID, str], ...]  #: id and label of each live invoice that carries it


@dataclass(frozen=True, slots=True)
class Ower:
    """A billing account that owes a service, or a part of it."""

    name: str
    amount: Money
    balance: Money
    line_id: UUID | None  #: None before it is invoiced


class InvoiceState(models.TextChoices):
    OPEN = "open", _("Open")
    PARTLY_PAID = "partly_paid", _("Partly paid")
    OVERDUE = "overdue", _("Overdue")
    PAID = "paid", _("Paid")
    VOIDED = "voided", _("Void")

    @property
    def tone(self) -> str:
        return {"paid": "good", "overdue": "bad", "voided": "info"}.get(self.value, "wait")


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    invoice: Invoice
    state: InvoiceState
    total: Money
    balance: Money


@dataclass(frozen=True, slots=True)
class InvoiceLineRow:
    line: InvoiceLine
    amount: Money
    balance: Money


@dataclass(frozen=True, slots=True)
class CardRow:
    """A saved card as staff see it: never a token, never a number beyond the last four."""

    card: SavedCard
    is_expired: bool
    consent_at: datetime | None  #: of the latest yes to keep it


@dataclass(frozen=True, slots=True)
class GrantRow:
    grant: Grant
    is_current: bool
    is_ahead: bool  #: begins on a later day


@dataclass(frozen=True, slots=True)
class Person:
    """A contact with access to a client: the grants, and where their sign-in stands."""

    contact: Contact
    grants: tuple[GrantRow, ...]
    status: PortalStatus
    invitation: Invitation | None

    @property
    def has_access(self) -> bool:
        return any(row.is_current or row.is_ahead for row in self.grants)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to set up."""

    code: str
    title: str | Promise
    words: str | Promise  #: what it is good for
    url: str
    is_done: bool
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Checklist:
    steps: tuple[Step, ...]

    @property
    def done(self) -> int:
        return sum(step.is_done for step in self.steps)

    @property
    def next(self) -> Step | None:
        """The first open step; the optional ones come when nothing else is open."""
        waiting = [step for step in self.steps if not step.is_done]
        return min(waiting, key=lambda step: step.is_optional, default=None)

    @property
    def is_whole(self) -> bool:
        return all(step.is_done or step.is_optional for step in self.steps)


@dataclass(frozen=True, slots=True)
class SetupGap:
    """Something without which clients can't be invoiced or can't pay; `url` is where to mend it."""

    code: str
    words: str
    url: str
    link: str


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """Something about money that only a person can close, in words."""

    review: Review
    words: ReviewWords
    amount: Money


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Accounts that the last invoices by rule left out, and that are still to be invoiced: `work` says why."""

    work_id: UUID
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inbox:
    """What the desk begins with."""

    payments: tuple[PaymentRow, ...]
    received: Money  #: the sum of those that are paid, less refunds
    open_attempts: tuple[OpenAttempt, ...]
    reviews: tuple[ReviewRow, ...]
    waiting: Waiting  #: what else waits for a person, by kind
    checklist: Checklist | None  #: of the set-up, while it is open; the gaps then wait
    gaps: tuple[SetupGap, ...]
    uninvoiced_count: int
    left_out: LeftOut | None
    overdue: Money
    days: int


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    """A payment whose outcome is not settled yet."""

    attempt_id: UUID
    at: datetime
    account_name: str
    amount: Money
    words: str


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One or several equal events of a payment, in words."""

    at: datetime
    words: str
    how: str
    tone: str
