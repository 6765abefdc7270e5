"""What lies in the database of an issued document: no number in the clear that is encrypted elsewhere."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from django.db import connection

from paywell.clients.coverage import add_coverage
from paywell.core import clock
from paywell.core.frozen_field import FrozenField
from paywell.documents.check_issued import check_issued
from paywell.documents.frozen import dump, get_digest
from paywell.documents.making_superbills import make_superbills
from paywell.documents.models import SECRET, IssuedDocument
from paywell.documents.queries import is_whole, load_issued
from paywell.documents.tests.factories import NOON, Case, make_case, make_staff_viewer, statement_document
from paywell.documents.types import SuperbillDocument
from paywell.invoicing.actions import issue_invoice
from paywell.invoicing.models import Invoice
from paywell.invoicing.tests.factories import make_service
from paywell.practice.actions import update_practice

pytestmark = pytest.mark.django_db

NUMBERS = ("123-45-6789", "XK12345", "GR900", "AUTH77")


def issue() -> tuple[Case, IssuedDocument]:
    with clock.set_to(NOON):
        case = make_case()
        case.practice.tax_id, case.practice.tax_id_kind = NUMBERS[0], "SSN"
        case.practice.save()
        add_coverage(
            client=case.client, actor_id=None, insurer="Alder Mutual", member_id="XK12345", group_number="GR900",
            authorization_number="AUTH77", starts_on=date(2026, 1, 1),
        )  # fmt: skip
        [row] = make_superbills(make_staff_viewer(case.practice), [case.service.id])
    return case, row


def stored() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM documents_issueddocument")
        return str(cursor.fetchall())


def test_secret_numbers_of_an_issued_superbill_are_encrypted_and_print_as_before() -> None:
    _, row = issue()
    assert [number for number in NUMBERS if number in stored()] == []
    assert "Alder Mutual" in stored()
    kept = IssuedDocument.objects.get(pk=row.pk)
    assert kept.data == row.data
    assert is_whole(kept)
    document = load_issued(kept)
    assert isinstance(document, SuperbillDocument)
    assert document.coverage is not None
    printed = (document.tax_id, document.coverage.member_id, document.coverage.group_number, document.authorization)
    assert printed == NUMBERS


def test_the_tax_number_of_an_issued_invoice_is_encrypted_and_prints_as_before() -> None:
    with clock.set_to(NOON):
        case = make_case()
        update_practice(practice=case.practice, actor_id=None, tax_id="12-3456789", tax_id_kind="EIN")
        service = make_service(case.client)
        invoice = issue_invoice(
            practice=case.practice, account=case.client.default_account, services=[service], actor_id=None
        )
    with connection.cursor() as cursor:
        cursor.execute("SELECT frozen FROM invoicing_invoice WHERE label = %s", [invoice.label])
        lies = str(cursor.fetchall())
    assert "12-3456789" not in lies
    assert case.client.default_account.name in lies
    kept = Invoice.objects.select_related("practice").get(pk=invoice.pk)
    assert kept.frozen["practice"]["tax_id"] == "12-3456789"
    assert get_digest(kept.frozen) == kept.digest
    assert list(check_issued(case.practice.id)) == []


def test_asked_for_again_it_is_the_one_on_file() -> None:
    case, row = issue()
    with clock.set_to(NOON):
        [again] = make_superbills(make_staff_viewer(case.practice), [case.service.id])
    assert again.pk == row.pk


def read(value: Any) -> Any:
    return FrozenField(secret=SECRET).from_db_value(json.dumps(value), None, connection)


def test_a_document_from_before_there_was_a_seal_is_read_as_it_is() -> None:
    _, row = issue()
    assert read(row.data) == row.data


def test_what_can_not_be_decrypted_is_a_broken_digest(settings: Any) -> None:
    _, row = issue()
    settings.SALT_KEY = ["another installation's"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM documents_issueddocument")
        text = cursor.fetchone()[0]
    row.data = read(json.loads(text) if isinstance(text, str) else text)
    assert not is_whole(row)


def test_a_document_without_such_numbers_is_kept_as_it_is() -> None:
    data = dump(statement_document())
    assert FrozenField(secret=SECRET).seal(data) is data
