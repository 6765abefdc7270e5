"""Why something is owed: the steps from the fee to the balance, read from the ledger alone.

Every step is a transfer, or several of one source, so that the steps always add up to the balance. What a step is
called stands here, for the portal and the desk alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from django.db.models import F
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from paywell.accounts.models import User
from paywell.billing.models import Entry, EntryKind
from paywell.core.money import Money
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.models import AccountKind, Transfer
from paywell.payments.card_names import name_card
from paywell.payments.models import Attempt, Refund

Text = str | Promise

#: By the beginning of a transfer's source.
_SOURCES: Final[Mapping[str, Text]] = {
    "invoice": _("Invoiced"),
    "void": _("Invoice voided"),
    "payment": _("Paid by card"),
    "refund": _("Refunded to the card"),
    "refund_failed": _("The refund came back"),
    "dispute": _("Disputed at the bank"),
    "charge": _("Charge that is being looked at"),
    "recapture": _("Corrected by the card processor"),
}
_ENTRIES: Final[Mapping[EntryKind, Text]] = {
    EntryKind.PAYMENT: _("Paid"),
    EntryKind.CREDIT_USED: _("Paid from credit"),
    EntryKind.CREDIT_OUT: _("Credit paid out"),
    EntryKind.ADJUSTMENT: _("Adjustment"),
    EntryKind.WRITE_OFF: _("Written off"),
    EntryKind.INSURER_PAYMENT: _("The insurer paid"),
    EntryKind.INSURER_ADJUSTMENT: _("Lowered by the insurer's contract"),
    EntryKind.INSURER_TO_CLIENT: _("Not paid by the insurer"),
}
_METHODS: Final[Mapping[str, Text]] = {
    "cash": _("cash"), "check": _("check"), "card": _("card at the practice"), "bank": _("bank transfer"),
}  # fmt: skip
_TAKEN_BACK: Final = _("Taken back")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that changed what is owed on a line or an account, or its credit."""

    at: datetime  #: when it was recorded
    what: Text
    detail: str  #: card, method, reason; what the viewer may see of it
    owed: Money  #: the change of what is owed; below zero lowers it
    credit: Money  #: the change of the account's credit
    source: str
    actor_id: UUID | None
    entry_id: UUID | None = None  #: of an entry by hand that stands and can be taken back
    line_ids: tuple[UUID, ...] = ()
    counts_on: date | None = None  #: the day on which it counts, where that is told apart from the recording

    @property
    def lowers(self) -> Money:
        """By how much it lowers what is owed."""
        return Money(-self.owed.minor, self.owed.currency)


@dataclass(frozen=True, slots=True)
class Story:
    """How a line's balance came to be: fee, less the insurer's part, less what others owe, then the steps."""

    line: InvoiceLine
    fee: Money
    insurer: Money
    others: Money  #: what other accounts owe of the client's part
    share: Money  #: what this account was invoiced
    steps: tuple[Step, ...]
    balance: Money


def tell_lines(practice_id: UUID, lines: Sequence[InvoiceLine], *, card_of: UUID | None = None) -> list[Story]:
    """The story of each line, with its service fetched along. `card_of`: the one contact whose cards are named.

    None names every card (the desk). Five queries, however many lines.
    """
    rows = Transfer.objects.filter(practice_id=practice_id, line_id__in=[line.id for line in lines])
    by_line: dict[UUID, list[Transfer]] = defaultdict(list)
    for row in rows.select_related("debit", "credit").order_by("at", "book_id", "seq"):
        if row.line_id:
            by_line[row.line_id].append(row)
    facts = _Facts(practice_id, [row for rows in by_line.values() for row in rows], card_of)
    return [_tell(line, by_line[line.id], facts) for line in lines]


def tell_account(practice_id: UUID, transfers: Iterable[Transfer], *, card_of: UUID | None = None) -> list[Step]:
    """These transfers of an account's book as steps, one for each source, in their order. Four queries."""
    rows = list(transfers)
    return _steps(rows, _Facts(practice_id, rows, card_of))


def find_credit_cards(practice_id: UUID, account_id: UUID) -> list[Attempt]:
    """Card payments of the account that left credit: their credit goes back to the card by a refund of them."""
    sources = Transfer.objects.filter(
        practice_id=practice_id, source__startswith="payment:", credit__kind=AccountKind.CLIENT_CREDIT,
        credit__owner_id=account_id,
    ).values_list("source", flat=True)  # fmt: skip
    ids = [key for source in sources if (key := _uuid(source.partition(":")[2][:36]))]
    rows = Attempt.objects.filter(practice_id=practice_id, id__in=ids, refunded_minor__lt=F("captured_minor"))
    return list(rows.order_by("-closed_at"))


def get_entry_words(kind: EntryKind) -> Text:
    return _ENTRIES[kind]


class _Facts:
    """What the sources of some transfers are: attempts, refunds and entries, each read once."""

    def __init__(self, practice_id: UUID, rows: Iterable[Transfer], card_of: UUID | None) -> None:
        ids: dict[str, set[UUID]] = defaultdict(set)
        for row in rows:
            name, _colon, rest = row.source.partition(":")
            key = _uuid(rest[:36])
            if key is not None:
                ids[name].add(key)
        own = {"practice_id": practice_id}
        refunds = Refund.objects.filter(**own, id__in=ids["refund"] | ids["refund_failed"]).select_related(
            "attempt"
        )
        self.refunds = {refund.id: refund for refund in refunds}
        self.attempts = {each.id: each for each in Attempt.objects.filter(**own, id__in=ids["payment"])}
        self.entries = {
            each.id: each for each in Entry.objects.filter(**own, id__in=ids["entry"] | ids["entry_reversed"])
        }
        self.card_of = card_of

    def read(self, source: str) -> tuple[Text, str, UUID | None]:
        """What to call a source, the detail, and the entry that could still be taken back."""
        name, _colon, rest = source.partition(":")
        key = _uuid(rest[:36])
        entry = self.entries.get(key) if key and name.startswith("entry") else None
        if entry is not None:
            words = _ENTRIES[EntryKind(entry.kind)]
            if name == "entry_reversed":
                return _TAKEN_BACK, f"{words}. {entry.reverse_reason}", None
            method = str(_METHODS.get(entry.method, ""))
            parts = [f"{method} {entry.reference}".strip(), entry.reason]
            return words, ", ".join(part for part in parts if part), None if entry.reversed_at else entry.id
        attempt = self.attempts.get(key) if key else None
        if attempt is not None:
            return _SOURCES[name], self._card(attempt), None
        refund = self.refunds.get(key) if key else None
        if refund is not None:
            detail = [self._card(refund.attempt), refund.reason]
            return _SOURCES.get(name, ""), ", ".join(part for part in detail if part), None
        return _SOURCES.get(name, name), "", None

    def _card(self, attempt: Attempt) -> str:
        if self.card_of is not None and attempt.contact_id != self.card_of:
            return ""
        return name_card(attempt.card_brand, attempt.card_last4)


def _tell(line: InvoiceLine, rows: Sequence[Transfer], facts: _Facts) -> Story:
    currency = line.currency
    service = line.service
    steps = _steps(rows, facts)
    client_part = Money(service.fee_minor - service.insurer_minor, currency)
    share = Money(line.amount_minor, currency)
    return Story(
        line=line,
        fee=Money(service.fee_minor, currency),
        insurer=Money(service.insurer_minor, currency),
        others=client_part - share,
        share=share,
        steps=tuple(step for step in steps if not step.source.startswith("invoice:")),
        balance=sum((step.owed for step in steps), Money(0, currency)),
    )


def _steps(rows: Iterable[Transfer], facts: _Facts) -> list[Step]:
    grouped: dict[str, list[Transfer]] = {}
    for row in rows:
        grouped.setdefault(row.source, []).append(row)
    return [_step(source, group, facts) for source, group in grouped.items()]


def _step(source: str, rows: Sequence[Transfer], facts: _Facts) -> Step:
    what, detail, entry_id = facts.read(source)
    first = rows[0]
    return Step(
        at=first.at,
        what=what,
        detail=detail or (first.reason if source.startswith("void:") else ""),
        owed=Money(_change(rows, AccountKind.RECEIVABLE), first.currency),
        credit=Money(-_change(rows, AccountKind.CLIENT_CREDIT), first.currency),
        source=source,
        actor_id=first.actor_id,
        entry_id=entry_id,
        line_ids=tuple({row.line_id: None for row in rows if row.line_id}),
        counts_on=first.effective_on,
    )


def _change(rows: Iterable[Transfer], kind: AccountKind) -> int:
    """Debits less credits of accounts of one kind."""
    return sum(row.amount_minor * ((row.debit.kind == kind) - (row.credit.kind == kind)) for row in rows)


def name_actors(actor_ids: Collection[UUID | None]) -> dict[UUID, str]:
    """Who they are, for the desk. One query."""
    wanted = {actor_id for actor_id in actor_ids if actor_id}
    return {user.id: user.get_full_name() or user.email for user in User.objects.filter(id__in=wanted)}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
