"""Issued means frozen: it prints the same for ever, its digest is checked, its number leaves no gap."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import date

import pytest
from django.db import DatabaseError, connection, transaction

from paywell.accounts.models import Role
from paywell.audit.models import AuditEvent
from paywell.core import clock
from paywell.core.errors import NotFoundForViewer, UserError
from paywell.core.ids import new_id
from paywell.documents.access import access_issued, access_receipt
from paywell.documents.actions import Draft, issue_document
from paywell.documents.errors import DigestBroken
from paywell.documents.models import IssuedClient, IssuedDocument
from paywell.documents.pdf import render
from paywell.documents.queries import is_whole, list_issued, load_issued
from paywell.documents.receipts import issue_receipt, issue_refund_receipt
from paywell.documents.redact import without_wordings
from paywell.documents.tests.factories import (
    NOON,
    Case,
    make_case,
    make_contact,
    make_payment,
    make_portal_viewer,
    make_staff_viewer,
    receipt_document,
    superbill_document,
)
from paywell.documents.types import Kind, ReceiptDocument
from paywell.documents.year_pack import make_year_pack
from paywell.invoicing.tests.factories import make_client, make_clinician
from paywell.payments.models import AttemptState, Refund, RefundState

pytestmark = pytest.mark.django_db


def issue(case: Case, **fields: object) -> IssuedDocument:
    draft = Draft(superbill_document(), case.account, {case.client.id}, has_diagnosis=True)
    values = {"practice": case.practice, "draft": draft, "actor_id": None}
    return issue_document(**{**values, **fields})  # type: ignore[arg-type]


def numbers(case: Case, kind: Kind) -> list[int]:
    rows = IssuedDocument.objects.filter(practice=case.practice, kind=kind.value)
    return list(rows.order_by("number").values_list("number", flat=True))


# Numbers


def test_numbers_are_counted_for_each_practice_and_kind_without_gaps() -> None:
    mine, other = make_case(), make_case()
    assert [issue(mine).label, issue(mine).label, issue(other).label] == ["SB-0001", "SB-0002", "SB-0001"]
    assert issue_receipt(mine.attempt).label == "RC-0001"


def test_what_is_rolled_back_gives_its_number_back() -> None:
    case = make_case()
    with transaction.atomic():
        assert issue(case).number == 1
        transaction.set_rollback(True)
    assert issue(case).number == 1
    assert numbers(case, Kind.SUPERBILL) == [1]


# Frozen


def test_an_issued_document_prints_the_same_whatever_changes_later() -> None:
    case = make_case()
    row = issue_receipt(case.attempt)
    with clock.set_to(NOON):
        before = render(load_issued(row))
        case.practice.name, case.client.preferred_name, case.account.name = "Sold & Gone", "Nobody", "Elsewhere"
        for changed in (case.practice, case.client, case.account):
            changed.save()
        assert render(load_issued(IssuedDocument.objects.get(pk=row.pk))) == before
    assert (
        access_receipt(make_staff_viewer(case.practice), case.attempt.id).letterhead.name == "Willow Creek Therapy"
    )


@pytest.mark.parametrize("table", ["documents_issueddocument", "documents_issuedclient"])
@pytest.mark.parametrize("statement", ["UPDATE {table} SET practice_id = practice_id", "DELETE FROM {table}"])
def test_the_database_refuses_to_change_or_delete_what_was_issued(table: str, statement: str) -> None:
    row = issue(make_case())
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table=table))
    assert is_whole(IssuedDocument.objects.get(pk=row.pk))
    assert IssuedClient.objects.filter(document=row).count() == 1


@pytest.mark.parametrize("change", [{"total": 1}, {"number": "SB-0009"}, {"kind": "receipt"}])
def test_a_document_whose_digest_does_not_fit_is_shown_to_nobody(
    change: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    case = make_case()
    row = issue(case)
    forged = IssuedDocument(**{
        **{f.attname: getattr(row, f.attname) for f in IssuedDocument._meta.concrete_fields},
        "id": new_id(), "number": 2, "data": {**row.data, **change},
    })  # fmt: skip
    forged.save(force_insert=True)
    with pytest.raises(DigestBroken, match="SB-0001 is not shown"), caplog.at_level(logging.WARNING):
        access_issued(make_staff_viewer(case.practice), forged.id)
    assert "the digest does not fit" in caplog.text
    assert not AuditEvent.objects.filter(action="documents.view").exists()


# Corrections


def test_a_correction_refers_to_what_it_corrects_and_the_corrected_one_names_it() -> None:
    case = make_case()
    first = issue(case)
    second = issue(case, corrects=first)
    assert (load_issued(second).replaces, load_issued(first).replaced_by) == ("SB-0001", "SB-0002")
    assert (load_issued(first).replaces, load_issued(second).replaced_by) == ("", "")
    assert is_whole(first)
    assert is_whole(second)


def test_a_document_is_corrected_once_and_the_refused_one_uses_no_number() -> None:
    case = make_case()
    first = issue(case)
    issue(case, corrects=first)
    with pytest.raises(UserError) as refused:
        issue(case, corrects=first)
    assert refused.value.code == "already_corrected"
    assert numbers(case, Kind.SUPERBILL) == [1, 2]


def test_a_correction_is_of_the_same_kind_and_account() -> None:
    case = make_case()
    other = Draft(receipt_document(), case.account, {case.client.id})
    elsewhere = Draft(superbill_document(), make_client(case.practice).default_account, {case.client.id})
    first = issue(case)
    for draft in (other, elsewhere):
        with pytest.raises(ValueError, match="same kind"):
            issue(case, draft=draft, corrects=first)
    assert IssuedDocument.objects.filter(practice=case.practice).count() == 1


# Receipts


def test_a_payment_has_one_receipt_however_often_it_is_asked_for() -> None:
    case = make_case()
    assert issue_receipt(case.attempt).pk == issue_receipt(case.attempt).pk
    assert numbers(case, Kind.RECEIPT) == [1]


def test_a_receipt_says_what_the_payment_covered_with_the_five_facts() -> None:
    case = make_case()
    document = load_issued(issue_receipt(case.attempt))
    assert isinstance(document, ReceiptDocument)
    [item] = document.items
    assert (item.client, item.clinician, item.on, item.wording, item.amount_minor) == (
        "Ana Duarte", "Lucia Reyes, PhD", date(2026, 11, 3), "Individual session, 50 minutes", 2_000,
    )  # fmt: skip
    assert (document.paid_on, document.card_last4, document.amount_minor) == (date(2026, 11, 23), "4242", 2_000)


def test_a_refund_has_a_receipt_of_its_own_that_names_the_payments() -> None:
    case = make_case()
    refund = Refund.objects.create(
        practice=case.practice, attempt=case.attempt, state=RefundState.DONE, amount_minor=500, currency="USD",
        created_at=NOON, closed_at=NOON,
    )  # fmt: skip
    row = issue_refund_receipt(refund)
    document = load_issued(row)
    assert (row.label, document.receipt, document.amount_minor) == ("RF-0001", "RC-0001", 500)  # type: ignore[union-attr]
    assert issue_refund_receipt(refund).pk == row.pk


# Who may see what


def test_the_list_and_the_document_follow_one_rule_in_the_portal() -> None:
    case = make_case()
    superbill, receipt = issue(case), issue_receipt(case.attempt)
    for viewer, seen in (
        (make_portal_viewer(case), {superbill, receipt}),
        (make_portal_viewer(case, diagnosis=False), {receipt}),
        (make_portal_viewer(case, documents=False, diagnosis=False), {receipt}),
        (replace(make_portal_viewer(case), rights=()), {receipt}),
        (replace(make_portal_viewer(case, contact=make_contact(case.practice, "Bruno")), rights=()), set()),
        (replace(make_portal_viewer(case), account=make_client(case.practice).default_account), set()),
        (make_portal_viewer(make_case()), set()),
    ):
        assert set(list_issued(viewer)) == seen
        for row in (superbill, receipt):
            if row in seen:
                assert access_issued(viewer, row.id).number == row.label
            else:
                with pytest.raises(NotFoundForViewer):
                    access_issued(viewer, row.id)


def test_the_list_and_the_document_follow_one_rule_at_the_desk() -> None:
    case = make_case()
    superbill, receipt = issue(case), issue_receipt(case.attempt)
    own, foreign = make_clinician(case.practice), make_clinician(case.practice)
    case.client.clinician = own
    case.client.save()
    everything: set[IssuedDocument] = {superbill, receipt}
    for viewer, seen in (
        (make_staff_viewer(case.practice), everything),
        (make_staff_viewer(case.practice, Role.BILLER), everything),
        (make_staff_viewer(case.practice, Role.READ_ONLY), everything),
        (make_staff_viewer(case.practice, Role.FRONT_DESK), {receipt}),
        (make_staff_viewer(case.practice, Role.CLINICIAN, clinician_id=own.id), everything),
        (make_staff_viewer(case.practice, Role.CLINICIAN, clinician_id=foreign.id), set()),
        (make_staff_viewer(make_case().practice), set()),
    ):
        assert set(list_issued(viewer)) == seen
        for row in everything - seen:
            with pytest.raises(NotFoundForViewer):
                access_issued(viewer, row.id)


def test_a_payer_without_the_right_to_documents_reads_no_wording_and_another_payer_no_card() -> None:
    case = make_case()
    row = issue_receipt(case.attempt)
    plain = access_issued(make_portal_viewer(case, documents=False, diagnosis=False), row.id)
    other = access_issued(make_portal_viewer(case, contact=make_contact(case.practice, "Bruno")), row.id)
    assert isinstance(plain, ReceiptDocument)
    assert isinstance(other, ReceiptDocument)
    assert (plain.items[0].wording, plain.items[0].client, plain.card_last4) == ("", "Ana Duarte", "4242")
    assert (other.items[0].wording, other.card_brand, other.card_last4) == (
        "Individual session, 50 minutes",
        "",
        "",
    )


def test_the_list_narrows_down_by_kind_day_and_client() -> None:
    case = make_case()
    with clock.set_to(NOON):
        superbill, receipt = issue(case), issue_receipt(case.attempt)
    viewer = make_staff_viewer(case.practice)
    assert list(list_issued(viewer, kinds=[Kind.RECEIPT])) == [receipt]
    assert set(list_issued(viewer, date_from=date(2026, 11, 23), date_to=date(2026, 11, 23))) == {
        superbill,
        receipt,
    }
    assert not list_issued(viewer, date_from=date(2026, 11, 24)).exists()
    assert not list_issued(viewer, date_to=date(2026, 11, 22)).exists()
    assert set(list_issued(viewer, client_id=case.client.id)) == {superbill, receipt}
    assert not list_issued(viewer, client_id=make_client(case.practice).id).exists()


def test_a_plain_receipt_says_nothing_of_the_kind_of_service_and_an_fsa_receipt_no_diagnosis() -> None:
    case = make_case()
    full = access_receipt(make_portal_viewer(case), case.attempt.id)
    plain = without_wordings(full)
    assert "Individual session" in str(full)
    assert "Individual session" not in str(plain)
    assert (plain.items[0].on, plain.items[0].amount_minor, plain.amount_minor) == (date(2026, 11, 3), 2_000, 2_000)
    for receipt in (full, plain):
        assert "F41.1" not in str(receipt)
        assert "anxiety" not in str(receipt)


def test_the_years_papers_have_the_receipts_that_the_worker_has_not_come_to_yet() -> None:
    with clock.set_to(NOON):
        case = make_case()
        failed = make_payment(case.invoice, case.contact, 100, AttemptState.FAILED)
        refund = Refund.objects.create(
            practice=case.practice, attempt=case.attempt, state=RefundState.DONE, amount_minor=500, currency="USD",
            created_at=NOON, closed_at=NOON,
        )  # fmt: skip
        viewer = make_portal_viewer(case)
        first, again = make_year_pack(viewer, 2026), make_year_pack(viewer, 2026)
    rows = IssuedDocument.objects.filter(subject_id__isnull=False)
    assert set(rows.values_list("kind", "subject_id")) == {("receipt", case.attempt.id), ("refund", refund.id)}
    assert {row.id for row in rows} <= set(first.document_ids)
    assert first.document_ids == again.document_ids
    assert not rows.filter(subject_id=failed.id).exists()
