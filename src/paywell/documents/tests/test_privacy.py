"""Privacy of documents: what each kind shows to each caller, Part 2 programs, and the self-pay restriction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from paywell.accounts.models import Role
from paywell.care.actions import keep_from_insurer
from paywell.core import clock
from paywell.core.errors import NotFoundForViewer
from paywell.core.money import Money
from paywell.documents.access import access_invoice, access_issued, access_receipt
from paywell.documents.errors import NoSuperbill
from paywell.documents.estimates import Expected, issue_estimate
from paywell.documents.making import make_statement, make_yearly
from paywell.documents.making_superbills import find_services, make_superbills
from paywell.documents.models import IssuedDocument
from paywell.documents.pdf import render
from paywell.documents.present import present
from paywell.documents.receipts import issue_receipt, issue_refund_receipt
from paywell.documents.redact import without_wordings
from paywell.documents.rights import Viewer
from paywell.documents.tests.factories import (
    NOON,
    Case,
    make_case,
    make_contact,
    make_portal_viewer,
    make_staff_viewer,
)
from paywell.documents.tests.test_pdf import text_of
from paywell.documents.types import Document
from paywell.documents.year_pack import make_year_pack
from paywell.invoicing.actions import issue_invoice
from paywell.invoicing.tests.factories import make_client, make_clinician, make_service
from paywell.ledger.actions import Line, Posting, Side, post
from paywell.ledger.models import AccountKind
from paywell.payments.models import Refund, RefundState

pytestmark = pytest.mark.django_db

WORDING = "Individual session"
KINDS = ("invoice", "receipt", "refund", "statement", "yearly", "superbill", "estimate", "estimate_with_diagnosis")


@dataclass
class Papers:
    """One of each kind, issued for the same service."""

    case: Case
    ids: dict[str, UUID]

    def open(self, kind: str, viewer: Viewer) -> Document:
        with clock.set_to(NOON):
            if kind == "invoice":
                return access_invoice(viewer, self.ids[kind])
            return access_issued(viewer, self.ids[kind])


def make_papers(*, is_part2: bool = False) -> Papers:
    with clock.set_to(NOON):
        case = make_case()
    case.client.clinician = case.service.clinician
    case.client.save()
    if is_part2:
        case.practice.is_part2_program, case.practice.part2_notice = True, NOTICE
        case.practice.save()
        case.diagnosis.code, case.diagnosis.description = "F10.20", "Alcohol dependence, uncomplicated"
        case.diagnosis.save()
        case.attempt.refresh_from_db()
    owner = make_staff_viewer(case.practice)
    refund = Refund.objects.create(
        practice=case.practice, attempt=case.attempt, state=RefundState.DONE, amount_minor=500, currency="USD",
        created_at=NOON, closed_at=NOON,
    )  # fmt: skip
    with clock.set_to(NOON):
        post(
            practice_id=case.practice.id, book_owner_id=case.account.id, source=f"refund:{refund.id}",
            postings=[Posting(
                debit=Side(AccountKind.RECEIVABLE, case.account.id),
                credit=Side(AccountKind.CLEARING, case.attempt.processor_account_id),
                money=Money(500), line=Line(case.invoice.lines.get().id),
            )],
            actor_id=None,
        )  # fmt: skip
    with clock.set_to(NOON):
        # The one of the case was issued before the practice was such a program.
        service = make_service(case.client, on=date(2026, 11, 5), clinician=case.service.clinician)
        invoice = issue_invoice(practice=case.practice, account=case.account, services=[service], actor_id=None)
        ids = {
            "invoice": invoice.id,
            "receipt": issue_receipt(case.attempt).id,
            "refund": issue_refund_receipt(refund).id,
            "statement": make_statement(
                owner, date_from=date(2026, 11, 1), date_to=date(2026, 11, 23), account_id=case.account.id
            ).id,
            "yearly": make_yearly(owner, year=2026, account_id=case.account.id).id,
            "superbill": make_superbills(owner, [case.service.id])[0].id,
            "estimate": _estimate(case).id,
            "estimate_with_diagnosis": _estimate(case, diagnoses=[case.diagnosis]).id,
        }
    return Papers(case, ids)


def _estimate(case: Case, **fields: Any) -> Any:
    expected = Expected(f"{WORDING}, 50 minutes", "H0004", Money(14_000), 10, case.service.clinician)
    return issue_estimate(
        practice=case.practice, client=case.client, expected=[expected], period_from=date(2026, 11, 1),
        period_to=date(2027, 10, 31), frequency="once a week", asked_on=date(2026, 11, 2), is_request=True,
        actor_id=None, **fields,
    )  # fmt: skip


# Who sees what. `-`: not found; `amounts`: dates, people and amounts; `services`: with their names;
# `diagnosis`: with that too.

CALLERS: dict[str, Callable[[Case], Viewer]] = {
    "client with all rights": make_portal_viewer,
    "client without diagnosis": lambda case: make_portal_viewer(case, diagnosis=False),
    "payer without documents": lambda case: make_portal_viewer(case, documents=False, diagnosis=False),
    "payer whose grant ended": lambda case: replace(make_portal_viewer(case), rights=()),
    "another payer, no grant": lambda case: replace(
        make_portal_viewer(case, contact=make_contact(case.practice, "Bruno")), rights=()
    ),
    "another account": lambda case: replace(
        make_portal_viewer(case, contact=make_contact(case.practice, "Bruno")),
        account=make_client(case.practice).default_account,
    ),
    "another practice": lambda case: make_portal_viewer(make_case()),
    "owner": lambda case: make_staff_viewer(case.practice),
    "biller": lambda case: make_staff_viewer(case.practice, Role.BILLER),
    "read-only": lambda case: make_staff_viewer(case.practice, Role.READ_ONLY),
    "front desk": lambda case: make_staff_viewer(case.practice, Role.FRONT_DESK),
    "the client's clinician": lambda case: make_staff_viewer(
        case.practice, Role.CLINICIAN, clinician_id=case.service.clinician_id
    ),
    "another clinician": lambda case: make_staff_viewer(
        case.practice, Role.CLINICIAN, clinician_id=make_clinician(case.practice).id
    ),
    "owner of another practice": lambda case: make_staff_viewer(make_case().practice),
}
_ALL = ("services",) * 5 + ("diagnosis", "services", "diagnosis")
_NONE = ("-",) * 8
SEEN: dict[str, tuple[str, ...]] = {
    "client with all rights": _ALL,
    "client without diagnosis": (*("services",) * 5, "-", "services", "-"),
    "payer without documents": (*("amounts",) * 5, "-", "-", "-"),
    "payer whose grant ended": ("-", "amounts", "amounts", "-", "-", "-", "-", "-"),
    "another payer, no grant": _NONE,
    "another account": _NONE,
    "another practice": _NONE,
    "owner": _ALL,
    "biller": _ALL,
    "read-only": _ALL,
    "front desk": (*("services",) * 5, "-", "services", "-"),
    "the client's clinician": _ALL,
    "another clinician": _NONE,
    "owner of another practice": _NONE,
}


@pytest.mark.parametrize("caller", CALLERS)
def test_what_each_kind_shows_to_each_caller(caller: str) -> None:
    papers = make_papers()
    viewer = CALLERS[caller](papers.case)
    assert {kind: _seen(papers, kind, viewer) for kind in KINDS} == dict(zip(KINDS, SEEN[caller], strict=True))


def _seen(papers: Papers, kind: str, viewer: Viewer) -> str:
    try:
        text = str(present(papers.open(kind, viewer)))
    except NotFoundForViewer:
        return "-"
    if "F41.1" in text or "anxiety" in text:
        return "diagnosis"
    return "services" if WORDING in text else "amounts"


# Grades


@pytest.mark.parametrize("kind", ["receipt", "refund"])
def test_a_plain_receipt_names_no_service_and_an_fsa_receipt_no_diagnosis(kind: str) -> None:
    papers = make_papers()
    document: Any = papers.open(kind, make_portal_viewer(papers.case))
    for_fsa, plain = (text_of(render(each)) for each in (document, without_wordings(document)))
    assert WORDING in for_fsa
    assert WORDING not in plain
    for text in (for_fsa, plain):  # patient, provider, day of service, amount
        for fact in ("Ana Duarte", "Lucia Reyes", "Nov 3, 2026", "$20.00" if kind == "receipt" else "$5.00"):
            assert fact in text
        assert "F41.1" not in text
        assert "anxiety" not in text


def test_a_superbill_has_the_diagnosis_and_no_other_document_of_the_service_has_it() -> None:
    papers = make_papers()
    owner = make_staff_viewer(papers.case.practice)
    have_it = {kind for kind in KINDS if "F41.1" in str(present(papers.open(kind, owner)))}
    assert have_it == {"superbill", "estimate_with_diagnosis"}


# Part 2

NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_2_program_prints_its_notice_on_every_kind(kind: str) -> None:
    papers = make_papers(is_part2=True)
    for viewer in (make_staff_viewer(papers.case.practice), make_portal_viewer(papers.case)):
        document = papers.open(kind, viewer)
        assert NOTICE in present(document)["notes"]
    assert NOTICE in " ".join(text_of(render(document)).split())


@pytest.mark.parametrize("kind", KINDS)
def test_a_practice_that_is_no_part_2_program_prints_no_notice(kind: str) -> None:
    papers = make_papers()
    assert "42 CFR" not in str(present(papers.open(kind, make_staff_viewer(papers.case.practice))))


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_2_program_says_what_a_substance_use_diagnosis_means_on_superbills_alone(kind: str) -> None:
    papers = make_papers(is_part2=True)
    text = str(present(papers.open(kind, make_staff_viewer(papers.case.practice))))
    assert ("Alcohol" in text) is (kind == "superbill")
    assert ("F10.20" in text) is (kind in ("superbill", "estimate_with_diagnosis"))


# The self-pay restriction


@pytest.mark.parametrize("who", ["staff", "client"])
@pytest.mark.parametrize(("way", "code"), [("one", "kept_from_insurer"), ("range", "nothing_in_range")])
def test_a_self_pay_restriction_keeps_a_service_out_of_superbills(who: str, way: str, code: str) -> None:
    case = make_case()
    keep_from_insurer(service=case.service, is_kept=True, actor_id=None)
    viewer: Any = make_staff_viewer(case.practice) if who == "staff" else make_portal_viewer(case)
    days = {"date_from": date(2026, 11, 1), "date_to": date(2026, 11, 23)}

    def make() -> object:
        if way == "one":
            return make_superbills(viewer, [case.service.id])
        return find_services(viewer, client_id=case.client.id, **days)

    with clock.set_to(NOON), pytest.raises(NoSuperbill) as refused:
        make()
    assert refused.value.code == code
    assert not IssuedDocument.objects.exists()


def test_a_self_pay_restriction_keeps_a_service_out_of_the_year_packs_superbill() -> None:
    with clock.set_to(NOON):
        case = make_case()
    viewer = make_portal_viewer(case)
    keep_from_insurer(service=case.service, is_kept=True, actor_id=None)
    with clock.set_to(NOON):
        pack = make_year_pack(viewer, 2026)
    kinds = IssuedDocument.objects.filter(id__in=pack.document_ids).values_list("kind", flat=True)
    assert set(kinds) == {"yearly", "receipt"}
    assert "No superbill for Ana Duarte" in pack.notes[0]


def test_a_self_pay_restriction_leaves_what_is_for_the_client_as_it_was() -> None:
    case = make_case()
    keep_from_insurer(service=case.service, is_kept=True, actor_id=None)
    viewer = make_portal_viewer(case)
    with clock.set_to(NOON):
        for document in (access_invoice(viewer, case.invoice.id), access_receipt(viewer, case.attempt.id)):
            assert WORDING in str(present(document))
