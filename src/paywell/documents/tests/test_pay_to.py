"""Where payments are sent: on invoices and statements on which something is owed, frozen with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from paywell.core import clock
from paywell.core.errors import UserError
from paywell.documents.access import access_invoice
from paywell.documents.parts import pay_to_lines
from paywell.documents.present import present
from paywell.documents.queries import load_issued
from paywell.documents.statements import issue_statement
from paywell.documents.tests.factories import (
    HEAD,
    MAKERS,
    NOON,
    invoice_document,
    make_case,
    make_staff_viewer,
    statement_document,
)
from paywell.invoicing.actions import issue_invoice
from paywell.invoicing.tests.factories import make_account, make_client, make_service
from paywell.practice.actions import add_location, update_location, update_practice
from paywell.practice.models import Location

PO_BOX = ("Willow Billing LLC", "PO Box 9", "Golden, CO 80402")
WHERE = "Send payments to: Willow Billing LLC, PO Box 9, Golden, CO 80402."
MILL = {
    "pay_to_street": "PO Box 7",
    "pay_to_city": "Aspen",
    "pay_to_state": "CO",
    "pay_to_postal_code": "81611",
}
SENT = replace(HEAD, pay_to=PO_BOX, pay_note="Write the invoice number on your check.")


@pytest.mark.parametrize("make", [invoice_document, statement_document])
def test_what_is_owed_says_where_to_send_it(make: object) -> None:
    notes = present(make(letterhead=SENT))["notes"]  # type: ignore[operator]
    assert WHERE in notes
    assert "Write the invoice number on your check." in notes
    assert "Send payments to" not in str(present(make()))  # type: ignore[operator]


@pytest.mark.parametrize(
    "document",
    [
        invoice_document(letterhead=SENT, balance_minor=0),
        invoice_document(letterhead=SENT, voided_on=date(2026, 11, 5)),
        statement_document(letterhead=SENT, ending_minor=0),
        statement_document(letterhead=SENT, ending_minor=-500),
        *(MAKERS[kind](letterhead=SENT) for kind in ("superbill", "receipt", "refund", "yearly", "estimate")),
    ],
    ids=lambda document: str(document.kind),
)
def test_where_nothing_is_to_be_paid_it_is_not_said(document: object) -> None:
    assert "Send payments to" not in str(present(document))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        ({}, ()),
        ({"pay_to_note": "By check."}, ()),
        ({"pay_to_name": "Willow Billing LLC"}, ("Willow Billing LLC", "1 Elm St", "Golden, CO 80401")),
        (
            {
                "pay_to_street": "PO Box 9",
                "pay_to_city": "Golden",
                "pay_to_state": "CO",
                "pay_to_postal_code": "80402",
            },
            ("Willow", "PO Box 9", "Golden, CO 80402"),
        ),
    ],
)
def test_the_practices_own_name_or_address_stands_where_no_other_is_given(
    given: dict[str, str], lines: tuple[str, ...]
) -> None:
    own = {"name": "Willow", "street": "1 Elm St", "city": "Golden", "state": "CO", "postal_code": "80401"}
    assert pay_to_lines(own | given) == lines


@pytest.mark.django_db
def test_an_issued_invoice_and_statement_keep_where_payments_went_on_their_day() -> None:
    case = make_case()
    viewer = make_staff_viewer(case.practice)
    address = {"pay_to_street": "PO Box 9", "pay_to_city": "Golden", "pay_to_state": "CO"}
    practice = update_practice(
        practice=case.practice,
        actor_id=None,
        pay_to_name="Willow Billing LLC",
        pay_to_postal_code="80402",
        **address,
    )
    case.account.refresh_from_db()
    with clock.set_to(NOON):
        service = make_service(case.client, clinician=case.service.clinician)
        invoice = issue_invoice(practice=practice, account=case.account, services=[service], actor_id=None)
        statement = issue_statement(
            practice=practice, account=case.account, date_from=date(2026, 11, 1), date_to=date(2026, 11, 23),
            actor_id=None,
        )  # fmt: skip
        update_practice(practice=practice, actor_id=None, pay_to_name="Somebody Else")
        assert access_invoice(viewer, invoice.id).letterhead.pay_to == PO_BOX
        assert load_issued(statement).letterhead.pay_to == PO_BOX
        assert access_invoice(viewer, case.invoice.id).letterhead.pay_to == ()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("own", "others", "told"),
    [
        ({"pay_to_name": "Mill Care", **MILL}, None, ("Mill Care", "PO Box 7", "Aspen, CO 81611")),
        (MILL, None, ("Willow Billing LLC", "PO Box 7", "Aspen, CO 81611")),
        ({"pay_to_name": "Mill Care"}, None, ("Mill Care", "PO Box 9", "Golden, CO 80402")),
        ({}, None, PO_BOX),
        (MILL, "the practice", PO_BOX),
        (MILL, "another place", PO_BOX),
    ],
)
def test_send_payments_to_is_the_locations_own_address_where_all_services_were_there(
    own: dict[str, str], others: str | None, told: tuple[str, ...]
) -> None:
    case = make_case()
    practice = update_practice(
        practice=case.practice, actor_id=None, pay_to_name="Willow Billing LLC", pay_to_street="PO Box 9",
        pay_to_city="Golden", pay_to_state="CO", pay_to_postal_code="80402",
    )  # fmt: skip
    mill = add_location(practice=practice, name="The mill", actor_id=None, **own)
    account = make_account(practice, "Zoe Park")
    client = make_client(practice, account, legal_first_name="Zoe")
    made = [make_service(client, clinician=case.service.clinician, on=date(2026, 11, day)) for day in (3, 4)]
    places = [mill, mill]
    if others:
        places[1] = None if others == "the practice" else add_location(practice=practice, name="B", actor_id=None)
    for row, place in zip(made, places, strict=True):
        row.location = place
        row.save(update_fields=["location"])
    with clock.set_to(NOON):
        invoice = issue_invoice(practice=practice, account=account, services=made, actor_id=None)
        statement = issue_statement(
            practice=practice, account=account, date_from=date(2026, 11, 1), date_to=date(2026, 11, 23),
            actor_id=None,
        )  # fmt: skip
        update_location(location=mill, actor_id=None, pay_to_name="Somebody Else")
        assert access_invoice(make_staff_viewer(practice), invoice.id).letterhead.pay_to == told
        assert load_issued(statement).letterhead.pay_to == told


@pytest.mark.django_db
def test_half_an_address_for_payments_of_a_location_is_refused_and_changes_nothing() -> None:
    practice = make_case().practice
    with pytest.raises(UserError) as refused:
        add_location(practice=practice, name="The mill", actor_id=None, pay_to_street="PO Box 7")
    assert (refused.value.code, refused.value.field) == ("pay_to_incomplete", "pay_to_city")
    assert not Location.objects.filter(practice=practice).exists()
    mill = add_location(practice=practice, name="The mill", actor_id=None, **MILL)
    with pytest.raises(UserError):
        update_location(location=mill, actor_id=None, pay_to_city="")
    mill.refresh_from_db()
    assert mill.pay_to_city == "Aspen"
