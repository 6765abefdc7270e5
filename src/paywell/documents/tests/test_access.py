"""Who may see which document, what stands on it for whom, and that a refusal reveals and changes nothing."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import date, timedelta

import pytest

from paywell.accounts.models import Role
from paywell.audit.models import AuditEvent
from paywell.care.models import ServiceKind
from paywell.core import clock
from paywell.core.errors import NotFoundForViewer
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.documents.access import access_invoice, access_receipt, access_superbill, access_superbill_for
from paywell.documents.errors import NoSuperbill
from paywell.documents.frozen import dump, load
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
from paywell.invoicing.actions import issue_invoice, void_invoice
from paywell.invoicing.tests.factories import make_client, make_clinician, make_service
from paywell.ledger.actions import Line, Posting, Side, post
from paywell.ledger.models import AccountKind
from paywell.payments.models import AttemptState, Refund, RefundState

pytestmark = pytest.mark.django_db


def views() -> list[tuple[str, object]]:
    return list(AuditEvent.objects.filter(action="documents.view").values_list("target_kind", "target_id"))


def refused(caplog: pytest.LogCaptureFixture) -> bool:
    return any("access refused" in record.message for record in caplog.records)


# Rights in the portal


def test_a_client_with_all_rights_sees_the_three_documents_and_each_view_is_audited() -> None:
    case = make_case()
    viewer = make_portal_viewer(case)
    with clock.set_to(NOON):
        invoice = access_invoice(viewer, case.invoice.id)
        superbill = access_superbill(viewer, case.service.id)
        receipt = access_receipt(viewer, case.attempt.id)
    assert (invoice.total_minor, invoice.paid_minor, invoice.balance_minor) == (14_000, 2_000, 12_000)
    assert invoice.items[0].wording == "Individual session, 50 minutes"
    assert (superbill.charge_minor, superbill.paid_minor, superbill.balance_minor) == (14_000, 2_000, 12_000)
    assert (superbill.items[0].pointers, superbill.diagnoses[0].code) == ("A", "F41.1")
    assert (receipt.amount_minor, receipt.card_last4, receipt.number) == (2_000, "4242", "RC-0001")
    assert receipt.reference == case.attempt.reference
    assert views() == [
        ("invoice", case.invoice.id),
        ("service", case.service.id),
        ("attempt", case.attempt.id),
    ]


def test_a_payer_without_documents_sees_dates_and_amounts_but_no_wording() -> None:
    case = make_case()
    viewer = make_portal_viewer(case, documents=False, diagnosis=False)
    invoice, receipt = access_invoice(viewer, case.invoice.id), access_receipt(viewer, case.attempt.id)
    for item in (*invoice.items, *receipt.items):
        assert item.wording == ""
        assert item.on == date(2026, 11, 3)
    assert invoice.items[0].code == ""
    assert invoice.items[0].amount_minor == 14_000
    assert "Individual" not in str(dump(invoice)) + str(dump(receipt))


@pytest.mark.parametrize(("documents", "diagnosis"), [(False, False), (True, False)])
def test_a_superbill_needs_both_rights_because_it_carries_the_diagnosis(
    documents: bool, diagnosis: bool, caplog: pytest.LogCaptureFixture
) -> None:
    case = make_case()
    with caplog.at_level(logging.WARNING), pytest.raises(NotFoundForViewer):
        access_superbill(make_portal_viewer(case, documents=documents, diagnosis=diagnosis), case.service.id)
    assert refused(caplog)
    assert views() == []


@pytest.mark.parametrize("where", ["other practice", "other account"])
def test_anothers_documents_are_not_found(where: str, caplog: pytest.LogCaptureFixture) -> None:
    mine, other = make_case(), make_case()
    viewer = make_portal_viewer(mine)
    if where == "other account":
        viewer = replace(viewer, account=make_client(mine.practice).default_account)
        other = mine
    for ask, target in (
        (access_invoice, other.invoice.id),
        (access_superbill, other.service.id),
        (access_receipt, other.attempt.id),
    ):
        caplog.clear()
        with caplog.at_level(logging.WARNING), pytest.raises(NotFoundForViewer):
            ask(viewer, target)
        assert refused(caplog)
    with pytest.raises(NotFoundForViewer):
        access_invoice(viewer, new_id())
    assert views() == []


def test_a_receipt_that_covers_a_client_without_a_grant_is_for_its_payer_alone_and_names_nobody() -> None:
    case = make_case()
    own = access_receipt(replace(make_portal_viewer(case), rights=()), case.attempt.id)
    assert (own.amount_minor, own.card_last4) == (2_000, "4242")
    assert (own.items[0].client, own.items[0].clinician, own.items[0].wording) == ("", "", "")
    other = make_portal_viewer(case, contact=make_contact(case.practice, "Bruno Duarte"))
    with pytest.raises(NotFoundForViewer):
        access_receipt(replace(other, rights=()), case.attempt.id)


def test_the_card_of_another_payer_is_not_on_the_receipt() -> None:
    case = make_case()
    other = make_contact(case.practice, "Bruno Duarte")
    receipt = access_receipt(make_portal_viewer(case, contact=other), case.attempt.id)
    assert (receipt.card_brand, receipt.card_last4) == ("", "")


@pytest.mark.parametrize("state", [AttemptState.DECLINED, AttemptState.PROCESSING, AttemptState.IN_REVIEW])
def test_only_a_payment_has_a_receipt(state: AttemptState) -> None:
    case = make_case()
    attempt = make_payment(case.invoice, case.contact, 500, state)
    with pytest.raises(NotFoundForViewer):
        access_receipt(make_portal_viewer(case), attempt.id)


# Rights at the desk


def test_a_clinician_sees_documents_of_own_clients_only() -> None:
    case = make_case()
    stranger = make_staff_viewer(case.practice, Role.CLINICIAN, clinician_id=make_clinician(case.practice).id)
    own = make_staff_viewer(case.practice, Role.CLINICIAN, clinician_id=case.service.clinician_id)
    case.client.clinician = case.service.clinician
    case.client.save()
    for ask, target in (
        (access_invoice, case.invoice.id),
        (access_superbill, case.service.id),
        (access_receipt, case.attempt.id),
    ):
        assert ask(own, target)
        with pytest.raises(NotFoundForViewer):
            ask(stranger, target)


def test_the_front_desk_sees_no_superbill() -> None:
    case = make_case()
    viewer = make_staff_viewer(case.practice, Role.FRONT_DESK)
    assert access_invoice(viewer, case.invoice.id).items[0].client == "Ana Duarte"
    assert access_receipt(viewer, case.attempt.id).card_last4 == "4242"
    with pytest.raises(NotFoundForViewer):
        access_superbill(viewer, case.service.id)


# What a superbill may not say


@pytest.mark.parametrize("kind", [ServiceKind.NO_SHOW, ServiceKind.LATE_CANCEL])
def test_what_did_not_take_place_is_never_on_a_superbill(kind: ServiceKind) -> None:
    case = make_case()
    case.service.kind = kind
    case.service.save()
    with pytest.raises(NoSuperbill) as error:
        access_superbill(make_portal_viewer(case), case.service.id)
    assert isinstance(error.value, NotFoundForViewer)
    assert error.value.code == "never_on_a_superbill"
    assert "no-show" in error.value.message
    assert access_invoice(make_portal_viewer(case), case.invoice.id).total_minor == 14_000


def test_a_diagnosis_counts_only_from_its_date_on_and_until_its_end() -> None:
    case = make_case()
    add_diagnosis(case.service, "F32.A", case.service.on + timedelta(days=1), position=2)
    superbill = access_superbill(make_portal_viewer(case), case.service.id)
    assert [dx.code for dx in superbill.diagnoses] == ["F41.1"]
    case.diagnosis.ended_on = case.service.on - timedelta(days=1)
    case.diagnosis.diagnosed_on = case.service.on - timedelta(days=9)
    case.diagnosis.save()
    with pytest.raises(NoSuperbill) as refused:
        access_superbill(make_portal_viewer(case), case.service.id)
    assert refused.value.code == "check_blocks"


def test_a_superbill_of_several_services_letters_each_diagnosis_once_and_sums_the_lines() -> None:
    case = make_case()
    later = make_service(case.client, on=date(2026, 11, 10), fee=9_000, clinician=case.service.clinician)
    add_diagnosis(later, "F32.A", date(2026, 11, 10))
    add_diagnosis(later, "F41.1", date(2026, 11, 9), position=2)
    issue_invoice(practice=case.practice, account=case.account, services=[later], actor_id=None)
    superbill = access_superbill_for(make_portal_viewer(case), [later.id, case.service.id])
    assert [(item.on.day, item.pointers) for item in superbill.items] == [(3, "A"), (10, "BA")]
    assert [(dx.letter, dx.code) for dx in superbill.diagnoses] == [("A", "F41.1"), ("B", "F32.A")]
    assert (superbill.charge_minor, superbill.paid_minor, superbill.balance_minor) == (23_000, 2_000, 21_000)
    assert len(superbill.clinicians) == 1


def test_a_superbill_is_of_one_client() -> None:
    case = make_case()
    other = make_service(make_client(case.practice))
    with pytest.raises(NoSuperbill) as error:
        access_superbill_for(make_staff_viewer(case.practice), [case.service.id, other.id])
    assert error.value.code == "several_clients"


def test_a_write_off_is_not_paid_by_the_client() -> None:
    case = make_case()
    line = case.invoice.lines.get()
    post(
        practice_id=case.practice.id, book_owner_id=case.account.id, source="write_off:1", actor_id=None,
        postings=[Posting(
            debit=Side(AccountKind.WRITE_OFF, case.practice.id),
            credit=Side(AccountKind.RECEIVABLE, case.account.id),
            money=Money(3_000), line=Line(line.id),
        )],
    )  # fmt: skip
    assert access_superbill(make_portal_viewer(case), case.service.id).paid_minor == 2_000
    invoice = access_invoice(make_portal_viewer(case), case.invoice.id)
    assert (invoice.paid_minor, invoice.adjusted_minor, invoice.balance_minor) == (2_000, 3_000, 9_000)


# What invoices and receipts say


def test_an_invoice_prints_what_was_frozen_not_what_is_true_today() -> None:
    case = make_case()
    case.practice.name = "Changed Name"
    case.practice.save()
    before = case.account.name
    case.account.name = "Somebody Else"
    case.account.save()
    invoice = access_invoice(make_portal_viewer(case), case.invoice.id)
    assert invoice.letterhead.name == "Willow Creek Therapy"
    assert invoice.addressee[0] == before
    assert invoice.letterhead.phone == "(503) 555-0142"


def test_a_voided_invoice_stays_readable_and_is_marked() -> None:
    case = unpaid_case()
    with clock.set_to(NOON):
        void_invoice(invoice=case.invoice, reason="wrong fee", actor_id=None)
        issue_invoice(
            practice=case.practice,
            account=case.account,
            services=[case.service],
            actor_id=None,
            replaces=case.invoice,
        )
        invoice = access_invoice(make_portal_viewer(case), case.invoice.id)
    assert (invoice.voided_on, invoice.replaced_by) == (date(2026, 11, 23), "INV-0003")
    assert (invoice.paid_minor, invoice.adjusted_minor, invoice.balance_minor) == (0, 0, 0)


def test_a_receipt_tells_of_refunds_that_are_done() -> None:
    case = make_case()
    for minor, state in ((500, RefundState.DONE), (300, RefundState.PENDING), (200, RefundState.FAILED)):
        Refund.objects.create(
            practice=case.practice, attempt=case.attempt, state=state, amount_minor=minor, currency="USD",
            created_at=NOON, closed_at=NOON,
        )  # fmt: skip
    receipt = access_receipt(make_portal_viewer(case), case.attempt.id)
    assert [refund.amount_minor for refund in receipt.refunds] == [500]


def test_documents_turn_into_json_and_back() -> None:
    case = make_case()
    viewer = make_portal_viewer(case)
    for document in (
        access_invoice(viewer, case.invoice.id),
        access_superbill(viewer, case.service.id),
        replace(access_receipt(viewer, case.attempt.id), as_of=None),
    ):
        data = dump(document)
        assert data["version"] == 1
        assert load(data) == document
    with pytest.raises(ValueError, match="version"):
        load({**data, "version": 99})


def unpaid_case() -> Case:
    case = make_case()
    other = make_service(case.client, on=date(2026, 11, 5), clinician=case.service.clinician)
    invoice = issue_invoice(practice=case.practice, account=case.account, services=[other], actor_id=None)
    return replace(case, service=other, invoice=invoice)
