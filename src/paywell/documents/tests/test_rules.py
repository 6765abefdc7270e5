"""Rules of the trade about superbills, invoices and their numbers, each under its own name.

Where each of the others is tested: docs/document-rules.md.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.urls import Resolver404, resolve

from paywell.care.models import Diagnosis, Service, ServiceKind
from paywell.core import clock
from paywell.documents.access import access_invoice
from paywell.documents.errors import NoSuperbill
from paywell.documents.making import make_statement
from paywell.documents.making_superbills import find_services, make_superbills
from paywell.documents.models import IssuedDocument
from paywell.documents.pdf import render
from paywell.documents.present import present
from paywell.documents.queries import load_issued
from paywell.documents.receipts import issue_receipt
from paywell.documents.tests.factories import (
    NOON,
    Case,
    add_diagnosis,
    make_case,
    make_contact,
    make_payment,
    make_portal_viewer,
    make_staff_viewer,
)
from paywell.documents.tests.test_pdf import text_of
from paywell.documents.web import page_response
from paywell.invoicing.actions import issue_invoice, void_invoice
from paywell.invoicing.models import Invoice
from paywell.invoicing.numbers import take_number
from paywell.invoicing.tests.factories import make_client, make_service

pytestmark = pytest.mark.django_db

DAYS = {"date_from": date(2026, 11, 1), "date_to": date(2026, 11, 23)}


@pytest.fixture
def case() -> Case:
    with clock.set_to(NOON):
        return make_case()


def superbills() -> list[str]:
    return list(IssuedDocument.objects.filter(kind="superbill").order_by("number").values_list("label", flat=True))


# Superbills


@pytest.mark.parametrize("kind", [ServiceKind.NO_SHOW, ServiceKind.LATE_CANCEL])
def test_a_no_show_or_late_cancellation_is_on_invoice_and_statement_and_never_on_a_superbill(
    kind: ServiceKind,
) -> None:
    with clock.set_to(NOON):
        case = make_case(kind=kind, wording="Missed appointment")
        viewer = make_portal_viewer(case)
        invoice = access_invoice(viewer, case.invoice.id)
        statement = load_issued(make_statement(viewer, **DAYS))
        assert [item.wording for item in invoice.items] == ["Missed appointment"]
        assert "Missed appointment" in str(present(statement))
        for asked in (viewer, make_staff_viewer(case.practice)):
            with pytest.raises(NoSuperbill) as refused:
                make_superbills(asked, [case.service.id], reason="All the same.")
            assert refused.value.code == "never_on_a_superbill"
            with pytest.raises(NoSuperbill) as refused:
                find_services(asked, client_id=case.client.id, **DAYS)
            assert refused.value.code == "nothing_in_range"
    assert superbills() == []


def test_a_range_leaves_a_no_show_out_and_keeps_what_took_place(case: Case) -> None:
    with clock.set_to(NOON):
        missed = make_service(
            case.client, on=date(2026, 11, 5), clinician=case.service.clinician, kind=ServiceKind.NO_SHOW
        )
        add_diagnosis(missed, "F41.1", missed.on)
        found = find_services(make_staff_viewer(case.practice), client_id=case.client.id, **DAYS)
    assert found == [case.service.id]


@pytest.mark.parametrize(
    ("lacks", "words"), [("code", "The service has no code."), ("diagnosis", "points to no diagnosis")]
)
def test_each_line_of_a_superbill_needs_a_procedure_and_a_diagnosis_code(
    case: Case, lacks: str, words: str
) -> None:
    if lacks == "code":
        Service.objects.filter(pk=case.service.pk).update(code="")
    else:
        case.service.pointers.all().delete()
    with clock.set_to(NOON), pytest.raises(NoSuperbill, match=words) as refused:
        make_superbills(make_staff_viewer(case.practice), [case.service.id], reason="All the same.")
    assert refused.value.code == "check_blocks"
    assert superbills() == []


def test_an_unpaid_line_shows_zero_and_a_part_payment_its_part(case: Case) -> None:
    with clock.set_to(NOON):
        services = [case.service]
        for day in (5, 6):
            service = make_service(
                case.client, on=date(2026, 11, day), fee=14_000, clinician=case.service.clinician
            )
            add_diagnosis(service, "F41.1", service.on)
            services.append(service)
        for service, paid in zip(services[1:], (0, 14_000), strict=True):
            invoice = issue_invoice(practice=case.practice, account=case.account, services=[service], actor_id=None)
            if paid:
                make_payment(invoice, case.contact, paid)
        [row] = make_superbills(make_staff_viewer(case.practice), [service.id for service in services])
    printed = present(load_issued(row))
    assert [line[-1]["main"] for line in printed["table"]["rows"]] == ["$20.00", "$0.00", "$140.00"]
    assert [(sum_["label"], sum_["value"]) for sum_ in printed["totals"]] == [
        ("Total charge", "$420.00"), ("Paid by client", "$160.00"), ("Balance", "$260.00"),
    ]  # fmt: skip


def test_a_wrong_diagnosis_is_put_right_by_another_superbill_and_the_first_stays_as_it_was(case: Case) -> None:
    viewer = make_staff_viewer(case.practice)
    with clock.set_to(NOON):
        [first] = make_superbills(viewer, [case.service.id])
        before = dict(first.data)
        Diagnosis.objects.filter(pk=case.diagnosis.pk).update(code="F43.10")
        [second] = make_superbills(viewer, [case.service.id])
    first.refresh_from_db()
    assert (first.data, superbills()) == (before, ["SB-0001", "SB-0002"])
    assert second.data["replaces"] == "SB-0001"
    assert [dx["code"] for dx in second.data["diagnoses"]] == ["F43.10"]


def test_an_ssn_as_tax_number_is_encrypted_masked_on_screens_and_printed_on_the_superbill(
    case: Case, rf: Any
) -> None:
    case.practice.tax_id, case.practice.tax_id_kind = "123-45-6789", "SSN"
    case.practice.save()
    with connection.cursor() as cursor:
        cursor.execute("SELECT tax_id FROM practice_practice")
        assert "6789" not in str(cursor.fetchall())
    viewer = make_staff_viewer(case.practice)
    with clock.set_to(NOON):
        [row] = make_superbills(viewer, [case.service.id])
        invoice = access_invoice(viewer, case.invoice.id)
        others = [invoice, load_issued(make_statement(viewer, **DAYS, account_id=case.account.id))]
        others.append(load_issued(issue_receipt(case.attempt)))
    superbill, request = load_issued(row), rf.get("/")
    request.user = None
    assert "123-45-6789" in text_of(render(superbill))
    page = page_response(request, superbill).content.decode()
    shown = re.sub(r'<span class="sheet-on-paper">[^<]*</span>', "", page)
    assert "123-45-6789" not in shown
    assert "•••-••-6789" in shown
    for other in others:
        assert "123-45" not in text_of(render(other))


# Invoices and their numbers


def test_an_invoice_says_what_is_owed_for_what_and_by_when(case: Case) -> None:
    with clock.set_to(NOON):
        document = access_invoice(make_portal_viewer(case), case.invoice.id)
    text = " ".join(text_of(render(document)).split())
    for fact in (
        case.invoice.label, "Nov 23, 2026", "Due", "Ana Duarte", "Lucia Reyes, PhD", "Nov 3, 2026",
        "Individual session, 50 minutes", "$140.00", "Paid so far $20.00", "Balance due $120.00",
    ):  # fmt: skip
        assert fact in text, fact


def test_a_paid_invoice_says_that_nothing_is_owed_and_asks_for_nothing(case: Case) -> None:
    with clock.set_to(NOON):
        make_payment(case.invoice, case.contact, 12_000)
        document = access_invoice(make_portal_viewer(case), case.invoice.id)
    text = " ".join(text_of(render(document)).split())
    assert "Paid so far $140.00 Balance due $0.00" in text
    assert "Please pay" not in text


def test_a_void_invoice_and_its_replacement_name_each_other_and_no_number_is_used_twice() -> None:
    with clock.set_to(NOON):
        case = make_case()
        service = make_service(case.client, on=date(2026, 11, 5), clinician=case.service.clinician)
        wanted: dict[str, Any] = {
            "practice": case.practice, "account": case.account, "services": [service], "actor_id": None,
        }  # fmt: skip
        wrong = issue_invoice(**wanted)
        void_invoice(invoice=wrong, reason="Wrong day", actor_id=None)
        right = issue_invoice(**wanted, replaces=Invoice.objects.get(pk=wrong.pk))
        viewer = make_portal_viewer(case)
        old, new = access_invoice(viewer, wrong.id), access_invoice(viewer, right.id)
    assert (old.replaced_by, new.replaces) == (right.label, wrong.label)
    assert [invoice.number for invoice in Invoice.objects.order_by("number")] == [1, 2, 3]


def test_numbers_have_no_gap_after_a_refused_document_and_are_counted_by_practice(case: Case) -> None:
    viewer = make_staff_viewer(case.practice)
    with clock.set_to(NOON):
        make_superbills(viewer, [case.service.id])
        other = make_service(case.client, on=date(2026, 11, 5), clinician=case.service.clinician)
        with pytest.raises(NoSuperbill):
            make_superbills(viewer, [other.id])
        add_diagnosis(other, "F41.1", other.on)
        make_superbills(viewer, [other.id])
        elsewhere = make_case()
        [theirs] = make_superbills(make_staff_viewer(elsewhere.practice), [elsewhere.service.id])
    own = IssuedDocument.objects.filter(practice=case.practice, kind="superbill")
    assert list(own.order_by("number").values_list("number", flat=True)) == [1, 2]
    assert theirs.number == 1
    assert take_number(case.practice, "superbill") == 3


def test_a_number_carries_no_client_data_and_opens_nothing(case: Case) -> None:
    viewer = make_staff_viewer(case.practice)
    with clock.set_to(NOON):
        [superbill] = make_superbills(viewer, [case.service.id])
        statement = make_statement(viewer, **DAYS, account_id=case.account.id)
        receipt = issue_receipt(case.attempt)
        twin = make_client(case.practice, legal_first_name="Zed", legal_last_name="Quill")
        invoice = issue_invoice(
            practice=case.practice,
            account=twin.default_account,
            services=[make_service(twin, clinician=case.service.clinician)],
            actor_id=None,
        )
        make_payment(invoice, make_contact(case.practice, "Zed Quill"), 100)
    labels = [row.label for row in (superbill, statement, receipt)]
    assert labels == ["SB-0001", "ST-0001", "RC-0001"]
    assert re.fullmatch(r"[A-Z-]*\d{4}", invoice.label)
    for label in (*labels, invoice.label):
        for shelf in ("documents", "invoices", "superbills"):
            for room in ("portal", "desk"):
                with pytest.raises(Resolver404):
                    resolve(f"/{room}/{shelf}/{label}/")
