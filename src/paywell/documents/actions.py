"""Issuing: a document gets its number and is kept as it is, for ever."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from paywell.accounts.models import StaffMember
from paywell.audit.actions import record_many
from paywell.clients.models import BillingAccount, Contact
from paywell.core import clock
from paywell.core.db import apart, lock
from paywell.core.errors import UserError
from paywell.documents.frozen import dump, get_digest
from paywell.documents.models import IssuedClient, IssuedDocument
from paywell.documents.types import Issued, Kind
from paywell.invoicing.numbers import take_numbers
from paywell.outbox.actions import emit_many
from paywell.practice.models import Practice

PREFIXES: Final = {
    Kind.SUPERBILL: "SB-",
    Kind.STATEMENT: "ST-",
    Kind.RECEIPT: "RC-",
    Kind.REFUND: "RF-",
    Kind.YEARLY: "YS-",
    Kind.ESTIMATE: "GFE-",
}


#: Whoever paid hears of these with the payment.
TOLD_BY_THE_PAYMENT: Final = (Kind.RECEIPT, Kind.REFUND)


@dataclass(frozen=True, slots=True)
class Draft:
    """A document about to be issued, and what decides who may see it."""

    document: Issued  #: its `number` and `replaces` are filled in when it is issued
    account: BillingAccount
    client_ids: Collection[UUID]  #: all whom it speaks of
    has_diagnosis: bool = False
    contact: Contact | None = None  #: the payer, for receipts
    subject_id: UUID | None = None  #: the payment or refund, for receipts: one receipt for each
    period: tuple[date, date] | None = None


def issue_document(
    *,
    practice: Practice,
    draft: Draft,
    actor_id: UUID | None,
    corrects: IssuedDocument | None = None,
    override: str = "",
) -> IssuedDocument:
    """Number the document, freeze it with its digest, and keep it. One transaction, which may be part of another.

    A correction refers to the one that it corrects, which must be of the same kind and account and not yet
    corrected (UserError `already_corrected`). `override` is staff's reason for issuing against the check.
    """
    kind = draft.document.kind
    if corrects is not None and (corrects.kind, corrects.account_id) != (kind.value, draft.account.id):
        raise ValueError("A correction is of the same kind and for the same account.")
    with transaction.atomic():
        if corrects is not None and IssuedDocument.objects.filter(practice=practice, corrects=corrects).exists():
            raise UserError("That document has been corrected already.", code="already_corrected")
        return _store(practice, [(draft, corrects)], actor_id, override)[0]


def _store(
    practice: Practice,
    wanted: Sequence[tuple[Draft, IssuedDocument | None]],
    actor_id: UUID | None,
    override: str = "",
) -> list[IssuedDocument]:
    """Number, freeze and keep drafts of one kind, each with what it corrects, within the caller's transaction."""
    kind, now = wanted[0][0].document.kind, clock.now()
    numbers = take_numbers(practice, kind.value, len(wanted))
    rows = [
        _make_row(practice, draft, number, corrects, actor_id, override[:300], now)
        for number, (draft, corrects) in zip(numbers, wanted, strict=True)
    ]
    IssuedDocument.objects.bulk_create(rows)
    IssuedClient.objects.bulk_create(
        IssuedClient(practice=practice, document=row, client_id=client_id)
        for row, (draft, _) in zip(rows, wanted, strict=True)
        for client_id in set(draft.client_ids)
    )
    record_many(
        practice_id=practice.id,
        actor_id=actor_id,
        action="documents.issue",
        target_kind=kind.value,
        details={row.id: {"label": row.label, **({"override": True} if override else {})} for row in rows},
    )
    if kind not in TOLD_BY_THE_PAYMENT and _is_staff(practice, actor_id):
        emit_many(
            practice_id=practice.id,
            kind="documents.document_issued",
            payloads={f"document_issued:{row.id}": {"document_id": str(row.id)} for row in rows},
        )
    return rows


def _make_row(
    practice: Practice,
    draft: Draft,
    number: int,
    corrects: IssuedDocument | None,
    actor_id: UUID | None,
    override: str,
    now: datetime,
) -> IssuedDocument:
    kind = draft.document.kind
    label = f"{PREFIXES[kind]}{number:04d}"
    data = dump(replace(draft.document, number=label, replaces=corrects.label if corrects else ""))
    return IssuedDocument(
        practice=practice,
        kind=kind.value,
        number=number,
        label=label,
        account=draft.account,
        contact=draft.contact,
        subject_id=draft.subject_id,
        period_from=draft.period[0] if draft.period else None,
        period_to=draft.period[1] if draft.period else None,
        has_diagnosis=draft.has_diagnosis,
        data=data,
        digest=get_digest(data),
        issued_on=clock.business_date(now, practice.timezone),
        issued_at=now,
        issued_by=actor_id,
        override=override,
        corrects=corrects,
    )


def _is_staff(practice: Practice, actor_id: UUID | None) -> bool:
    """Whether staff issued it: then the client is told. Whoever makes a document in the portal sees it there."""
    return (
        StaffMember.objects.filter(practice=practice, user=actor_id, ended_at=None).exists() if actor_id else False
    )


def issue_current(*, practice: Practice, draft: Draft, actor_id: UUID | None, override: str = "") -> IssuedDocument:
    """The document on file for the same account, clients and period, where it still says the same; else a new one.

    A new one corrects the one on file, so that nobody takes the two for different things. Pressing twice makes one.
    """
    with transaction.atomic():
        lock(BillingAccount.objects.filter(practice=practice, pk=draft.account.pk)).get()
        on_file = find_on_file(practice, draft)
        if on_file is not None and _content(on_file.data) == _content(dump(draft.document)):
            return on_file
        return issue_document(
            practice=practice, draft=draft, actor_id=actor_id, corrects=on_file, override=override
        )


def issue_current_many(
    *, practice: Practice, drafts: Sequence[Draft], actor_id: UUID | None
) -> list[IssuedDocument]:
    """`issue_current` for drafts of one kind and period, one for each account: all or none, in their order.

    A dozen queries, however many there are.
    """
    if not drafts:
        return []
    with transaction.atomic():
        account_ids = [draft.account.pk for draft in drafts]
        list(lock(BillingAccount.objects.filter(practice=practice, pk__in=account_ids).order_by("pk")))
        on_file = _find_all_on_file(practice, drafts)
        new = [
            (draft, kept)
            for draft in drafts
            if (kept := on_file.get(draft.account.pk)) is None
            or _content(kept.data) != _content(dump(draft.document))
        ]
        stored = _store(practice, new, actor_id) if new else []
        made = {row.account_id: row for row in stored}
        return [made.get(account_id) or on_file[account_id] for account_id in account_ids]


def _find_all_on_file(practice: Practice, drafts: Sequence[Draft]) -> dict[UUID, IssuedDocument]:
    """`find_on_file` for drafts of one kind and period, by account."""
    rows = list(
        _list_on_file(practice, drafts[0])
        .filter(account__in=[draft.account.pk for draft in drafts])
        .select_related("practice", "account")
        .order_by("-number")
    )
    clients: dict[UUID, set[UUID]] = {row.id: set() for row in rows}
    of_rows = IssuedClient.objects.filter(practice=practice, document__in=rows) if rows else ()
    for each in of_rows:
        clients[each.document_id].add(each.client_id)
    about = {draft.account.pk: (_about(dump(draft.document)), set(draft.client_ids)) for draft in drafts}
    found: dict[UUID, IssuedDocument] = {}
    for row in rows:
        if (_about(row.data), clients[row.id]) == about[row.account_id]:
            found.setdefault(row.account_id, row)
    return found


def find_on_file(practice: Practice, draft: Draft) -> IssuedDocument | None:
    """The newest that is about the same, not corrected yet; None where there is none."""
    return _find_all_on_file(practice, [draft]).get(draft.account.pk)


def _list_on_file(practice: Practice, draft: Draft) -> QuerySet[IssuedDocument]:
    """Those of the draft's kind and period that nothing corrects."""
    first, last = draft.period or (None, None)
    # By account: the practice and the kind, of which there are indexes too, have all that was ever issued.
    rows = IssuedDocument.objects.alias(of=apart("practice_id"), is_a=apart("kind")).filter(
        of=practice.id, is_a=draft.document.kind.value, period_from=first, period_to=last
    )
    return rows.filter(~Exists(IssuedDocument.objects.filter(practice=practice, corrects=OuterRef("pk"))))


def _about(data: dict[str, Any]) -> set[str]:
    """A superbill is about its services; the other kinds are told apart by account, clients and period."""
    if data["kind"] != Kind.SUPERBILL.value:
        return set()
    return {item["service_id"] for item in data["items"]}


def _content(data: dict[str, Any]) -> dict[str, Any]:
    """What a document says, apart from its number and its day."""
    return {
        key: value for key, value in data.items() if key not in ("number", "issued_on", "replaces", "signed_on")
    }
