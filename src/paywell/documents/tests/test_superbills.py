"""Superbills as they are issued: what stands on them, for which services, and against which findings."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from paywell.care.actions import keep_from_insurer
from paywell.care.models import Diagnosis, Service, ServiceDiagnosis, ServiceKind
from paywell.clients.coverage import add_coverage
from paywell.clients.models import Relationship
from paywell.core import clock
from paywell.core.errors import NotFoundForViewer, UserError
from paywell.documents.access import access_issued
from paywell.documents.errors import NoSuperbill
from paywell.documents.making_superbills import make_superbills, make_superbills_for_range
from paywell.documents.models import IssuedDocument
from paywell.documents.present import present
from paywell.documents.queries import load_issued
from paywell.documents.superbills import draft_superbills, get_services
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
from paywell.documents.types import Kind, SuperbillDocument, SuperbillPayment
from paywell.invoicing.actions import issue_invoice
from paywell.invoicing.tests.factories import make_client, make_clinician, make_service, make_share
from paywell.practice.models import Location

pytestmark = pytest.mark.django_db


def make(case: Case, *services: Service, **fields: object) -> SuperbillDocument:
    ids = [service.id for service in services or (case.service,)]
    viewer = fields.pop("viewer", None) or make_staff_viewer(case.practice)
    with clock.set_to(NOON):
        [row] = make_superbills(viewer, ids, **fields)  # type: ignore[arg-type]
    document = load_issued(row)
    assert isinstance(document, SuperbillDocument)
    return document


def another(case: Case, on: date, code: str, **fields: object) -> Service:
    service = make_service(case.client, on=on, clinician=case.service.clinician, **fields)  # type: ignore[arg-type]
    add_diagnosis(service, code, on)
    return service


# What stands on it


def test_five_queries_read_all_of_it_however_many_lines_it_has() -> None:
    case = make_case()
    more = [another(case, date(2026, 11, day), code) for day, code in ((4, "F41.0"), (5, "F40.10"), (6, "F43.21"))]
    issue_invoice(practice=case.practice, account=case.account, services=more, actor_id=None)
    for services in ([case.service], [case.service, *more]):
        with CaptureQueriesContext(connection) as found, clock.set_to(NOON):
            rows = get_services(case.practice, [service.id for service in services])
            draft_superbills(case.practice, rows, case.account)
        assert len([query for query in found if "set_config" not in query["sql"]]) == 5


def test_the_subscriber_stands_on_it_as_the_insurance_card_has_it() -> None:
    case = make_case()
    add_coverage(
        client=case.client, actor_id=None, insurer="Alder Mutual", member_id="xk 12-345", group_number="900",
        relationship=Relationship.CHILD, subscriber_name="Rui Duarte", subscriber_birth_date=date(1960, 2, 3),
        subscriber_street="7 Elm Row", subscriber_city="Boulder", subscriber_state="co",
        subscriber_postal_code="80301",
        authorization_number="ab-12", referring_name="Dr. Holt", referring_npi="1234567893",
        starts_on=date(2026, 1, 1),
    )  # fmt: skip
    document = make(case)
    assert document.coverage is not None
    assert (document.coverage.insurer, document.coverage.member_id) == ("Alder Mutual", "XK12345")
    assert (document.coverage.subscriber, document.coverage.subscriber_birth_date) == (
        "Rui Duarte", date(1960, 2, 3),
    )  # fmt: skip
    assert document.coverage.subscriber_address == ("7 Elm Row", "Boulder, CO 80301")
    panels = {panel["heading"]: panel["facts"] for panel in present(document)["panels"]}
    assert ["Their address", "7 Elm Row, Boulder, CO\N{NO-BREAK SPACE}80301"] in panels["Insurance"]
    assert (document.authorization, document.referring, document.referring_npi) == (
        "AB12", "Dr. Holt", "1234567893",
    )  # fmt: skip


def test_insurance_numbers_are_encrypted_in_the_database() -> None:
    case = make_case()
    add_coverage(
        client=case.client, actor_id=None, insurer="Alder Mutual", member_id="XK12345", group_number="GR900",
        authorization_number="AUTH77", starts_on=date(2026, 1, 1),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT member_id, group_number, authorization_number FROM clients_coverage")
        stored = str(cursor.fetchall())
    assert "XK12345" not in stored
    assert "GR900" not in stored
    assert "AUTH77" not in stored


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"insurer": " "}, "insurer_missing"),
        ({"relationship": "cousin"}, "relationship_invalid"),
        ({"ends_on": date(2025, 1, 1)}, "coverage_dates"),
        ({"filing_days": 0}, "filing_days"),
        ({"rank": 0}, "rank_invalid"),
        ({"member_id": "A/B"}, "member_id_invalid"),
        ({"referring_npi": "1234567890"}, "npi_invalid"),
    ],
)
def test_an_insurance_that_can_not_be_is_refused(fields: dict[str, object], code: str) -> None:
    case = make_case()
    with pytest.raises(UserError) as refused:
        add_coverage(
            client=case.client, actor_id=None,
            **{"insurer": "Alder Mutual", "starts_on": date(2026, 1, 1), **fields},
        )  # fmt: skip
    assert refused.value.code == code
    assert not case.client.coverages.exists()


def test_the_payee_is_the_client_and_benefits_are_not_assigned() -> None:
    printed = present(make(make_case()))
    assert ["Payee", "Client"] in printed["panels"][0]["facts"]
    assert "Assignment of benefits: no." in printed["notes"][0]


def test_supervisor_and_signature_on_file_stand_on_it() -> None:
    case = make_case()
    clinician = case.service.clinician
    clinician.supervisor = make_clinician(
        case.practice, name="Iris Falk", credentials="PhD", license_number="77", license_state="OR"
    )
    clinician.has_signature_on_file = True
    clinician.save()
    document = make(case)
    [shown] = document.clinicians
    assert (shown.supervisor, shown.supervisor_license, shown.supervisor_npi) == (
        "Iris Falk, PhD", "OR 77", "1234567893",
    )  # fmt: skip
    assert present(document)["signature"]["texts"] == ["Signature on file: Lucia Reyes, PhD", "11/23/2026"]
    clinician.has_signature_on_file = False
    clinician.save()
    assert present(make(case))["signature"]["texts"] == ["", ""]


def test_the_place_of_care_stands_on_it_where_it_is_not_the_practices_own() -> None:
    case = make_case()
    place = Location.objects.create(
        practice=case.practice, name="Harbor House", street="9 Dock Road", city="Astoria", state="OR",
        postal_code="97103", npi="1234567893",
    )  # fmt: skip
    Service.objects.filter(pk=case.service.pk).update(location=place)
    document = make(case)
    assert document.facility == ("Harbor House", "9 Dock Road", "Astoria, OR 97103")
    assert document.facility_npi == "1234567893"


def test_paid_is_per_line_and_the_proof_says_when_and_how_without_a_card_number() -> None:
    case = make_case()
    make_payment(case.invoice, case.contact, 500)
    document = make(case)
    assert [item.paid_minor for item in document.items] == [2_500]
    assert [payment.amount_minor for payment in document.payments] == [2_500]
    assert isinstance(document.payments[0], SuperbillPayment)
    assert document.payments[0].method == "card"
    assert "4242" not in str(document)


def test_the_words_of_a_diagnosis_can_be_left_out_and_its_code_stays() -> None:
    case = make_case()
    case.practice.shows_diagnosis_words = False
    case.practice.save()
    table = present(make(case))["diagnoses"]["table"]
    assert [column["label"] for column in table["columns"]] == ["Pointer", "Code"]
    assert table["rows"][0][1]["main"] == "F41.1"


def test_lines_are_by_date_of_service_and_point_to_letters() -> None:
    case = make_case()
    earlier = another(case, date(2026, 10, 1), "F32.A")
    document = make(case, case.service, earlier)
    assert [(item.on, item.pointers) for item in document.items] == [
        (date(2026, 10, 1), "A"), (date(2026, 11, 3), "B"),
    ]  # fmt: skip


def test_more_than_twelve_diagnoses_make_several_superbills() -> None:
    case = make_case()
    services = [case.service]
    for number in range(1, 4):
        service = make_service(case.client, on=date(2026, 11, 3 + number), clinician=case.service.clinician)
        for position in range(1, 5):
            diagnosis = Diagnosis.objects.create(
                practice=case.practice, client=case.client, code=f"F{number}{position}.1",
                diagnosed_on=date(2026, 1, 1),
            )  # fmt: skip
            ServiceDiagnosis.objects.create(
                practice=case.practice, service=service, diagnosis=diagnosis, position=position
            )
        services.append(service)
    viewer = make_staff_viewer(case.practice)
    with clock.set_to(NOON):
        rows = make_superbills(viewer, [service.id for service in services])
        again = make_superbills(viewer, [service.id for service in services])
    documents = [load_issued(row) for row in rows]
    assert [row.label for row in again] == [row.label for row in rows] == ["SB-0001", "SB-0002"]
    assert [(len(d.items), len(d.diagnoses), d.part) for d in documents] == [  # type: ignore[union-attr]
        (3, 9, "1 / 2"), (1, 4, "2 / 2"),
    ]  # fmt: skip


def test_a_part_2_program_prints_its_notice_on_every_document() -> None:
    case = make_case()
    case.practice.is_part2_program, case.practice.part2_notice = True, "Protected by 42 CFR part 2."
    case.practice.save()
    assert "Protected by 42 CFR part 2." in present(make(case))["notes"]
    later = another(case, date(2026, 11, 9), "F32.A")
    invoice = issue_invoice(practice=case.practice, account=case.account, services=[later], actor_id=None)
    assert invoice.frozen["practice"]["notice"] == "Protected by 42 CFR part 2."


# For which services


def test_a_self_pay_restriction_keeps_a_service_out_with_words_why() -> None:
    case = make_case()
    keep_from_insurer(service=case.service, is_kept=True, actor_id=None)
    for viewer in (make_staff_viewer(case.practice), make_portal_viewer(case)):
        with pytest.raises(NoSuperbill, match="asked that no insurer hears of it"):
            make(case, viewer=viewer)
    keep_from_insurer(service=case.service, is_kept=False, actor_id=None)
    assert make(case).number == "SB-0001"


def test_a_range_takes_what_took_place_and_no_insurer_is_kept_from() -> None:
    case = make_case()
    fees = another(case, date(2026, 11, 4), "F32.A", kind=ServiceKind.NO_SHOW)
    kept = another(case, date(2026, 11, 5), "F33.0")
    keep_from_insurer(service=kept, is_kept=True, actor_id=None)
    inside = another(case, date(2026, 11, 6), "F34.1")
    another(case, date(2026, 11, 7), "F40.10")
    with clock.set_to(NOON):
        [row] = make_superbills_for_range(
            make_staff_viewer(case.practice), client_id=case.client.id,
            date_from=date(2026, 11, 3), date_to=date(2026, 11, 6),
        )  # fmt: skip
    document = load_issued(row)
    assert isinstance(document, SuperbillDocument)
    assert [item.on.day for item in document.items] == [3, 6]
    assert str(fees.id) not in str(document)
    assert inside.on == row.period_to


def test_a_client_makes_a_range_of_what_the_open_account_was_billed_for() -> None:
    case = make_case()
    another(case, date(2026, 11, 4), "F32.A")  # on no invoice
    days = {"client_id": case.client.id, "date_from": date(2026, 11, 1), "date_to": date(2026, 11, 30)}
    with clock.set_to(NOON):
        [row] = make_superbills_for_range(make_portal_viewer(case), **days)
        with pytest.raises(NotFoundForViewer):
            make_superbills_for_range(make_portal_viewer(case, diagnosis=False), **days)
    assert len(row.data["items"]) == 1


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        (date(2026, 11, 3), date(2026, 11, 2), "range_invalid"),
        (date(2025, 1, 1), date(2025, 2, 1), "nothing_in_range"),
    ],
)
def test_a_range_without_a_superbill_says_why(first: date, last: date, code: str) -> None:
    case = make_case()
    with pytest.raises(NoSuperbill) as refused:
        make_superbills_for_range(
            make_staff_viewer(case.practice), client_id=case.client.id, date_from=first, date_to=last
        )
    assert refused.value.code == code
    assert not IssuedDocument.objects.exists()


# Against what the check says


def test_what_is_certainly_wrong_is_not_issued_and_uses_no_number() -> None:
    case = make_case()
    case.practice.tax_id = ""
    case.practice.save()
    with pytest.raises(NoSuperbill, match="The practice has no tax number"):
        make(case, reason="never mind")
    with pytest.raises(NoSuperbill, match="something that an insurer needs is missing") as refused:
        make(case, viewer=make_portal_viewer(case))
    assert "(503) 555-0142" in refused.value.message
    assert "tax" not in refused.value.message
    assert not IssuedDocument.objects.exists()


def test_what_is_almost_certainly_wrong_is_issued_with_a_reason_that_is_kept_and_not_printed() -> None:
    case = make_case()
    Service.objects.filter(pk=case.service.pk).update(place_of_service="10", on=date(2021, 11, 3))
    Diagnosis.objects.filter(pk=case.diagnosis.pk).update(diagnosed_on=date(2021, 11, 3))
    with pytest.raises(NoSuperbill) as refused:
        make(case)
    assert (refused.value.code, refused.value.field) == ("reason_missing", "reason")
    with pytest.raises(NoSuperbill, match="missing on it"):
        make(case, viewer=make_portal_viewer(case))
    document = make(case, reason="The insurer asked for it by letter.")
    row = IssuedDocument.objects.get(kind=Kind.SUPERBILL.value)
    assert row.override == "The insurer asked for it by letter."
    assert "by letter" not in str(document)
    assert make(case, viewer=make_portal_viewer(case)).number == row.label


def test_paying_more_makes_a_superbill_that_replaces_the_one_on_file() -> None:
    case = make_case()
    viewer = make_portal_viewer(case)
    first = make(case, viewer=viewer)
    assert make(case, viewer=viewer).number == first.number
    make_payment(case.invoice, case.contact, 500)
    second = make(case, viewer=viewer)
    assert (second.number, second.replaces) == ("SB-0002", first.number)
    assert [item.paid_minor for item in second.items] == [2_500]


def test_staffs_superbill_is_among_the_documents_of_the_account_that_was_billed() -> None:
    case = make_case()
    other = make_client(case.practice, legal_first_name="Bruno").default_account
    make_share(case.client, other, 10_000)
    service = another(case, date(2026, 11, 9), "F32.A")
    issue_invoice(practice=case.practice, account=other, services=[service], actor_id=None)
    with clock.set_to(NOON):
        [row] = make_superbills(make_staff_viewer(case.practice), [service.id])
    assert row.account_id == other.id
    payer = make_contact(case.practice, "Bruno")
    with pytest.raises(NotFoundForViewer):
        access_issued(make_portal_viewer(case), row.id)
    assert access_issued(make_portal_viewer(case, contact=payer, account=other), row.id).number == row.label
