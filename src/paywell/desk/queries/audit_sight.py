"""What of the audit trail each role reads: all of it with the right to it, else what it may see at the desk itself.

A kind of thing that is not listed here is read only by those who may see the whole trail: what is new stays hidden
until somebody says whose it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import Q, QuerySet

from paywell.accounts.models import Role
from paywell.accounts.types import Permission, StaffViewer
from paywell.agreements.models import Agreement, Charge, Plan
from paywell.audit.models import AuditEvent
from paywell.billing.models import Entry, Question
from paywell.care.models import Diagnosis, Service
from paywell.clients.access import own_client_ids
from paywell.clients.models import Client, Coverage, Grant
from paywell.documents.queries import visible_to
from paywell.invoicing.models import InvoiceLine
from paywell.payments.models import AttemptLine, PayLink, Refund

P = Permission
#: What each kind of target asks for.
KIND_NEEDS: Final[Mapping[str, Permission]] = {
    "client": P.SEE_CLIENTS,
    "contact": P.SEE_CLIENTS,
    "grant": P.SEE_CLIENTS,
    "coverage": P.SEE_CLIENTS,
    "service": P.SEE_CLIENTS,
    "diagnosis": P.SEE_DIAGNOSES,
    "superbill": P.SEE_DIAGNOSES,
    "estimate": P.SEE_DIAGNOSES,
    "document": P.SEE_DIAGNOSES,
    "issued_document": P.SEE_MONEY,
    "invoice": P.SEE_MONEY,
    "receipt": P.SEE_MONEY,
    "saved_card": P.SEE_MONEY,
    "statement": P.SEE_MONEY,
    "yearly": P.SEE_MONEY,
    "billing_account": P.SEE_MONEY,
    "account": P.SEE_MONEY,
    "attempt": P.SEE_MONEY,
    "refund": P.SEE_MONEY,
    "entry": P.SEE_MONEY,
    "line": P.SEE_MONEY,
    "question": P.SEE_MONEY,
    "agreement": P.SEE_MONEY,
    "charge": P.SEE_MONEY,
    "plan": P.SEE_MONEY,
    "pay_link": P.TAKE_PAYMENTS,
    "link": P.TAKE_PAYMENTS,
    "refund_request": P.REFUND,
    "request": P.REFUND,
    "pay_out": P.REFUND,
    "take_back": P.REFUND,
}
#: Pages about a diagnosis or about care: that somebody opened one of a client's is for whoever may see diagnoses.
CLINICAL_PAGES: Final = frozenset(
    {
        "client_diagnoses", "diagnosis_new", "diagnosis_end", "superbill", "superbill_new", "superbill_pdf",
        "estimate", "estimate_new", "service_keep",
    }
)  # fmt: skip
#: Acts on a service or a client that tell of care.
CLINICAL_ACTS: Final = frozenset({"care.keep_from_insurer"})


def events_of(viewer: StaffViewer) -> QuerySet[AuditEvent]:
    """The practice's events that the viewer may read."""
    rows = AuditEvent.objects.filter(practice_id=viewer.practice.id)
    if viewer.may(P.SEE_AUDIT):
        return rows
    rows = rows.filter(target_kind__in=[kind for kind, needed in KIND_NEEDS.items() if viewer.may(needed)])
    if not viewer.may(P.SEE_DIAGNOSES):
        clinical = Q(detail__has_key="page") & Q(detail__page__in=sorted(CLINICAL_PAGES))
        rows = rows.filter(~clinical, ~Q(action__in=CLINICAL_ACTS))
    return rows.filter(_of_own_clients(viewer)) if viewer.role is Role.CLINICIAN else rows


def _of_own_clients(viewer: StaffViewer) -> Q:
    """What is about a clinician's own clients: they, and what is theirs.

    An account or a person that serves several clients counts where one of them is the clinician's own: that is what
    the clinician sees of them at the desk.
    """
    practice, own = viewer.practice, own_client_ids(viewer)
    accounts = Client.objects.filter(practice=practice, id__in=own).values("default_account_id")
    lines = InvoiceLine.objects.filter(practice=practice, client__in=own)

    def ids(model: Any, column: str = "id", **wanted: Any) -> Any:
        return model.objects.filter(practice=practice, **wanted).values(column)

    of_kind: dict[tuple[str, ...], Any] = {
        ("client",): own,
        ("contact",): ids(Grant, "contact_id", client__in=own),
        ("grant",): ids(Grant, client__in=own),
        ("coverage",): ids(Coverage, client__in=own),
        ("service",): ids(Service, client__in=own),
        ("diagnosis",): ids(Diagnosis, client__in=own),
        ("superbill", "estimate", "document", "issued_document", "receipt", "refund", "statement", "yearly"): (
            visible_to(viewer).select_related(None).values("id")
        ),
        ("invoice",): lines.values("invoice_id"),
        ("line",): lines.values("id"),
        ("billing_account", "account"): accounts,
        ("attempt",): ids(AttemptLine, "attempt_id", line__client__in=own),
        ("refund",): ids(Refund, attempt__lines__line__client__in=own),
        ("entry",): ids(Entry, account__in=accounts),
        ("question",): ids(Question, line__client__in=own),
        ("agreement",): ids(Agreement, account__in=accounts),
        ("charge",): ids(Charge, agreement__account__in=accounts),
        ("plan",): ids(Plan, account__in=accounts),
        ("pay_link", "link"): ids(PayLink, invoice__lines__client__in=own),
    }
    found = Q()
    for kinds, wanted in of_kind.items():
        found |= Q(target_kind__in=kinds, target_id__in=wanted)
    return found
