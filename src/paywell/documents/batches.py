"""Statements of many accounts at once: who gets one, and the long work that issues and renders them."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Final
from uuid import UUID

from django.db import models
from django.db.models import QuerySet, Sum
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from paywell.accounts.access import access_desk_as
from paywell.accounts.types import Permission, StaffViewer
from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.errors import NotAllowed
from paywell.core.money import Money
from paywell.core.templatetags.paywell import day as write_day
from paywell.documents.joining import join
from paywell.documents.models import IssuedDocument
from paywell.documents.movements import OF_ACCOUNT, get_period
from paywell.documents.pool import close_pool, render_many
from paywell.documents.statements import issue_statements
from paywell.ledger.models import LedgerAccount, LineBalance, Transfer
from paywell.work.actions import request_work
from paywell.work.kinds import Kind, work_kind
from paywell.work.models import Work, WorkItem
from paywell.work.queries import read_files
from paywell.work.types import Done, Finished, Item, NewFile, Result, Skipped

#: Fewer are rendered in the worker itself: starting processes takes a second or two.
MIN_FOR_PROCESSES: Final = 20
#: Issued in one transaction: nobody else takes a number meanwhile.
AT_ONCE: Final = 20
#: How long documents are joined before the worker may turn to other things. Each turn is a commit, which reaches
#: the disk: after every document it took longer than the joining.
PIECE_S: Final = 0.25
PDF: Final = "application/pdf"


class Which(models.TextChoices):
    """Who gets a statement."""

    OWING = "owing", gettext_lazy("Accounts that owe something")
    OVERDUE = "overdue", gettext_lazy("Accounts with something overdue")
    MOVED = "moved", gettext_lazy("Accounts with charges or payments in these days")


class Output(models.TextChoices):
    """What comes of it."""

    ZIP = "zip", gettext_lazy("A PDF for each, in a ZIP")
    ONE = "one", gettext_lazy("One PDF of all, with a bookmark for each")


@dataclass(frozen=True, slots=True)
class StatementFor:
    """An account that would get a statement, and what it owes today."""

    account: BillingAccount
    balance: Money


def list_statement_accounts(
    viewer: StaffViewer, *, which: Which, date_from: date, date_to: date
) -> list[StatementFor]:
    """Whom a batch would be for, by name. Two queries, however many there are.

    Raises NotAllowed without the right to issue invoices, and UserError as `movements.get_period` does.
    """
    if not viewer.may(Permission.ISSUE_INVOICES):
        raise NotAllowed
    practice = viewer.practice
    period = get_period(practice, date_from, date_to)
    lines = LineBalance.objects.filter(practice_id=practice.id, balance_minor__gt=0)
    accounts = BillingAccount.objects.filter(practice=practice)
    if which is Which.MOVED:
        moved = Transfer.objects.filter(practice_id=practice.id, at__gte=period.since, at__lt=period.until)
        ours = LedgerAccount.objects.filter(practice_id=practice.id, kind__in=OF_ACCOUNT)
        touched = ours.filter(id__in=moved.values("debit")) | ours.filter(id__in=moved.values("credit"))
        accounts = accounts.filter(id__in=touched.values("owner_id"))
    else:
        today = clock.business_date(clock.now(), practice.timezone)
        chosen = lines.filter(due_on__lt=today) if which is Which.OVERDUE else lines
        accounts = accounts.filter(id__in=chosen.values("owner_id"))
    owed = dict(lines.values_list("owner_id").annotate(owed=Sum("balance_minor")))
    return [
        StatementFor(account, Money(owed.get(account.id, 0), account.currency))
        for account in _by_name(accounts)
    ]  # fmt: skip


def request_statements(
    viewer: StaffViewer, *, which: Which, output: Output, date_from: date, date_to: date, key: str
) -> Work:
    """Ask for the batch. The same key asks once. Raises as `list_statement_accounts` does."""
    if not viewer.may(Permission.ISSUE_INVOICES):
        raise NotAllowed
    get_period(viewer.practice, date_from, date_to)
    return request_work(
        practice_id=viewer.practice.id,
        kind=StatementBatch.name,
        title=_("Statements, %(first)s to %(last)s") % {"first": write_day(date_from), "last": write_day(date_to)},
        actor_id=viewer.id,
        parameters={
            "which": which.value, "output": output.value,
            "date_from": date_from.isoformat(), "date_to": date_to.isoformat(),
        },
        key=key,
    )  # fmt: skip


@work_kind("statement_batch", needs=Permission.ISSUE_INVOICES.value)
class StatementBatch(Kind):
    """Issues each account's statement and keeps it as PDF. Issued twice it is the same one (`issue_current`)."""

    in_transaction: ClassVar[bool] = False
    #: Between two steps nothing is rendered, so they are long; one takes a second or two.
    batch: ClassVar[int] = 100

    def plan(self, work: Work) -> Iterable[Item]:
        asked = _Asked(work)
        rows = list_statement_accounts(
            asked.viewer, which=asked.which, date_from=asked.date_from, date_to=asked.date_to
        )
        return [Item(subject_id=row.account.id, label=row.account.name) for row in rows]

    def do(self, work: Work, items: Sequence[WorkItem]) -> Sequence[Result]:
        asked = _Asked(work)
        wanted = [item.subject_id for item in items if item.subject_id]
        found = BillingAccount.objects.filter(practice=asked.viewer.practice).in_bulk(wanted)
        accounts = [found[account_id] for account_id in wanted if account_id in found]
        issued: dict[UUID, IssuedDocument] = {}
        pdfs = render_many(
            asked.issue(accounts, issued), in_processes=(work.total or 0) >= MIN_FOR_PROCESSES
        )  # fmt: skip
        files = {
            account.id: NewFile(_file_name(issued[account.id], account), PDF, pdf)
            for account, pdf in zip(accounts, pdfs, strict=True)
        }
        return [_result(item, files) for item in items]

    def finish(self, work: Work) -> Generator[None, None, Finished]:
        told = ngettext("%(n)s statement was issued.", "%(n)s statements were issued.", work.done)
        lines = [told % {"n": work.done}] if work.done else []
        if _Asked(work).output is Output.ZIP or not work.done:
            return Finished(summary={"lines": lines})
        files = ((file.name.removesuffix(".pdf"), bytes(file.content)) for file in read_files(work))
        joined = yield from _in_pieces(join(files, title=work.title))
        file = NewFile("statements.pdf", PDF, joined)
        return Finished(summary={"lines": lines}, files=[file], replaces_item_files=True)

    def release(self) -> None:
        close_pool()


class _Asked:
    """A work's parameters as values, and the person who asked, with the rights that they have now."""

    def __init__(self, work: Work) -> None:
        values: dict[str, Any] = work.parameters
        self.viewer = access_desk_as(work.requested_by, work.practice_id, Permission.ISSUE_INVOICES)
        self.which, self.output = Which(values["which"]), Output(values["output"])
        self.date_from = date.fromisoformat(values["date_from"])
        self.date_to = date.fromisoformat(values["date_to"])

    def issue(
        self, accounts: Sequence[BillingAccount], issued: dict[UUID, IssuedDocument]
    ) -> Iterator[dict[str, Any]]:
        """Issue `AT_ONCE` after the other: the first are rendered while the next are written."""
        for begin in range(0, len(accounts), AT_ONCE):
            rows = issue_statements(
                practice=self.viewer.practice, accounts=accounts[begin : begin + AT_ONCE],
                date_from=self.date_from, date_to=self.date_to, actor_id=self.viewer.id,
            )  # fmt: skip
            issued |= {row.account_id: row for row in rows}
            yield from (row.data for row in rows)


def _in_pieces(joining: Generator[None, None, bytes]) -> Generator[None, None, bytes]:
    """The same, giving way after `PIECE_S` instead of after each document."""
    until = time.monotonic() + PIECE_S
    while True:
        try:
            next(joining)
        except StopIteration as ended:
            joined: bytes = ended.value
            return joined
        if time.monotonic() >= until:
            yield
            until = time.monotonic() + PIECE_S


def _by_name(accounts: QuerySet[BillingAccount]) -> QuerySet[BillingAccount]:
    return accounts.select_related("practice").order_by("name", "id")


def _result(item: WorkItem, files: dict[UUID, NewFile]) -> Result:
    file = files.get(item.subject_id) if item.subject_id else None
    return Done(files=[file]) if file else Skipped(_("The account is not there any more."))


def _file_name(row: IssuedDocument, account: BillingAccount) -> str:
    """`ST-0012-ana-duarte.pdf`: for the practice's own folder; the portal's names carry no name."""
    return f"{row.label}-{slugify(account.name)[:60]}.pdf".replace("-.", ".")
