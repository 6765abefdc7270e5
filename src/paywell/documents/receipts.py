"""Receipts of payments and of refunds: issued once for each, from what the ledger says that they covered.

An HSA or FSA audit asks for five facts: client, clinician, date of service, description and amount.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from uuid import UUID

from django.db import IntegrityError, transaction

from paywell.billing.models import Entry, EntryKind
from paywell.clients.models import BillingAccount
from paywell.core import clock
from paywell.core.prepared import Prepared
from paywell.documents.actions import Draft, issue_document
from paywell.documents.models import IssuedDocument
from paywell.documents.parts import address_lines, letterhead, setting
from paywell.documents.text import clean
from paywell.documents.types import Kind, ReceiptDocument, ReceiptItem, ReceiptRefund, RefundDocument
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.models import AccountKind, Transfer
from paywell.payments.models import Attempt, AttemptState, Refund, RefundState
from paywell.practice.models import Practice

_OF_ATTEMPT = ("practice", "account", "contact", "processor_account")
_ISSUED = Prepared(
    lambda practice, kind, subject: IssuedDocument.objects.filter(
        practice_id=practice, kind=kind, subject_id=subject, corrects=None
    ).select_related("practice", "account")
)
_LINES = Prepared(
    lambda practice, lines: (
        InvoiceLine.objects.filter(practice_id=practice, id__in=lines)
        .select_related("client", "invoice")
        .order_by("-on", "id")
    )
)


def issue_receipt(attempt: Attempt) -> IssuedDocument:
    """The payment's receipt: issued the first time that anybody asks, the same ever after."""
    return _issue_once(Kind.RECEIPT, attempt.id, attempt.practice, lambda: _draft_receipt(attempt))


def issue_hand_receipt(entry: Entry) -> IssuedDocument:
    """The receipt of a payment that was entered by hand, likewise. Nobody's card is on it."""
    return _issue_once(Kind.RECEIPT, entry.id, entry.practice, lambda: _draft_hand_receipt(entry))


def issue_refund_receipt(refund: Refund) -> IssuedDocument:
    """The receipt of a refund that is done, likewise."""
    return _issue_once(Kind.REFUND, refund.id, refund.practice, lambda: _draft_refund(refund))


def issue_missing_receipts(practice: Practice, account: BillingAccount) -> None:
    """Receipts of the account's payments and refunds that the worker has not come to yet."""
    issued = IssuedDocument.objects.filter(practice=practice, account=account, subject_id__isnull=False)
    done = issued.values("subject_id")
    attempts = Attempt.objects.filter(practice=practice, account=account, state=AttemptState.SUCCEEDED)
    for attempt in attempts.exclude(id__in=done).select_related(*_OF_ATTEMPT):
        issue_receipt(attempt)
    entries = Entry.objects.filter(practice=practice, account=account, kind=EntryKind.PAYMENT)
    for entry in entries.exclude(id__in=done).select_related("practice", "account"):
        issue_hand_receipt(entry)
    refunds = Refund.objects.filter(practice=practice, attempt__account=account, state=RefundState.DONE)
    for refund in refunds.exclude(id__in=done).select_related(*(f"attempt__{each}" for each in _OF_ATTEMPT)):
        issue_refund_receipt(refund)


def get_refunds(attempt: Attempt) -> tuple[ReceiptRefund, ...]:
    """What went back of a payment until now: stands beside its receipt."""
    zone = attempt.practice.timezone
    done = attempt.refunds.filter(practice_id=attempt.practice_id, state=RefundState.DONE).order_by("created_at")
    return tuple(
        ReceiptRefund(
            on=clock.business_date(refund.closed_at or refund.created_at, zone), amount_minor=refund.amount_minor
        )
        for refund in done
    )


def get_day_it_came_back(refund: Refund, zone: str) -> date | None:
    """When a refund that was done came back to the practice; None where it is with the payer or never was."""
    if refund.state != RefundState.FAILED_LATE or refund.closed_at is None:
        return None
    return clock.business_date(refund.closed_at, zone)


def _issue_once(kind: Kind, subject_id: UUID, practice: Practice, make: Callable[[], Draft]) -> IssuedDocument:
    """Two who ask at the same time get the same one: the database keeps the second from being stored."""
    row = _ISSUED.first(practice=practice.id, kind=kind.value, subject=subject_id)
    if row is not None:
        return row
    try:
        with transaction.atomic():
            return issue_document(practice=practice, draft=make(), actor_id=None)
    except IntegrityError:
        row = _ISSUED.first(practice=practice.id, kind=kind.value, subject=subject_id)
        if row is None:
            raise
        return row


def _draft_receipt(attempt: Attempt) -> Draft:
    practice = attempt.practice
    # The payment's own legs: line by line what was paid, and what went to credit on account.
    legs = _legs(attempt, f"payment:{attempt.id}", "credit")
    items, client_ids = _items(practice.id, ((leg.line_id, leg.amount_minor) for leg in legs))
    document = ReceiptDocument(
        letterhead=letterhead(practice),
        setting=setting(practice, attempt.currency),
        number="",
        addressee=(clean(attempt.account.name), *address_lines(attempt.account.mail_address)),
        paid_on=clock.business_date(attempt.closed_at or attempt.created_at, practice.timezone),
        payer=_payer(attempt),
        card_brand=clean(attempt.card_brand),
        card_last4=attempt.card_last4,
        items=items,
        amount_minor=attempt.amount_minor,
        issued_on=clock.business_date(clock.now(), practice.timezone),
        reference=attempt.reference,
        is_test=not attempt.processor_account.live_mode,
    )
    return Draft(document, attempt.account, client_ids, contact=attempt.contact, subject_id=attempt.id)


def _draft_hand_receipt(entry: Entry) -> Draft:
    practice = entry.practice
    parts: list[tuple[UUID | None, int]] = [(line.line_id, line.amount_minor) for line in entry.lines.all()]
    parts.append((None, entry.amount_minor - sum(minor for _, minor in parts)))
    items, client_ids = _items(practice.id, parts)
    document = ReceiptDocument(
        letterhead=letterhead(practice),
        setting=setting(practice, entry.currency),
        number="",
        addressee=(clean(entry.account.name), *address_lines(entry.account.mail_address)),
        paid_on=entry.on,
        payer=clean(entry.account.name),
        card_brand="",
        card_last4="",
        items=items,
        amount_minor=entry.amount_minor,
        issued_on=clock.business_date(clock.now(), practice.timezone),
        method=entry.method,
        method_reference=clean(entry.reference),
    )
    return Draft(document, entry.account, client_ids, subject_id=entry.id)


def _draft_refund(refund: Refund) -> Draft:
    attempt, practice = refund.attempt, refund.practice
    receipt = issue_receipt(attempt)
    legs = _legs(attempt, f"refund:{refund.id}", "debit")
    items, client_ids = _items(practice.id, ((leg.line_id, leg.amount_minor) for leg in legs))
    document = RefundDocument(
        letterhead=letterhead(practice),
        setting=setting(practice, refund.currency),
        number="",
        addressee=(clean(attempt.account.name), *address_lines(attempt.account.mail_address)),
        refunded_on=clock.business_date(refund.closed_at or refund.created_at, practice.timezone),
        paid_on=clock.business_date(attempt.closed_at or attempt.created_at, practice.timezone),
        payer=_payer(attempt),
        card_brand=clean(attempt.card_brand),
        card_last4=attempt.card_last4,
        receipt=receipt.label,
        items=items,
        amount_minor=refund.amount_minor,
        issued_on=clock.business_date(clock.now(), practice.timezone),
        reference=refund.reference,
        is_test=not attempt.processor_account.live_mode,
    )
    return Draft(document, attempt.account, client_ids, contact=attempt.contact, subject_id=refund.id)


def _legs(attempt: Attempt, source: str, side: str) -> list[Transfer]:
    """The transfers of `source` that concern what the account owes or has to its credit."""
    ours = {f"{side}__kind__in": (AccountKind.RECEIVABLE, AccountKind.CLIENT_CREDIT)}
    return list(Transfer.objects.filter(practice_id=attempt.practice_id, source=source, **ours).order_by("leg"))


def _items(
    practice_id: UUID, parts: Iterable[tuple[UUID | None, int]]
) -> tuple[tuple[ReceiptItem, ...], frozenset[UUID]]:
    """One item for each invoice line, newest service first, then what is credit on account; and the clients."""
    amounts: dict[UUID | None, int] = {}
    for line_id, minor in parts:
        amounts[line_id] = amounts.get(line_id, 0) + minor
    lines = _LINES(practice=practice_id, lines=[each for each in amounts if each])
    items = [
        ReceiptItem(
            on=line.on,
            client=clean(line.client.name),
            clinician=clean(line.clinician_name),
            wording=clean(line.wording),
            invoice=clean(line.invoice.label),
            amount_minor=amounts[line.id],
            client_id=str(line.client_id),
        )
        for line in lines
    ]
    if amounts.get(None):
        items.append(ReceiptItem(None, "", "", "", "", amounts[None]))
    return tuple(items), frozenset(line.client_id for line in lines)


def _payer(attempt: Attempt) -> str:
    return clean(attempt.contact.name if attempt.contact else attempt.account.name)
