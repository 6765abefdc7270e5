"""What each role reads of the audit trail: its own sight of the desk, never more."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from django.urls import reverse

from paywell.accounts.models import Role
from paywell.accounts.types import PERMISSIONS
from paywell.accounts.types import Permission as P
from paywell.audit.actions import record
from paywell.audit.models import AuditEvent
from paywell.care.actions import add_diagnosis, keep_from_insurer
from paywell.clients.models import Client
from paywell.clients.tests.factories import make_client
from paywell.desk.queries.audit_sight import CLINICAL_PAGES, KIND_NEEDS
from paywell.desk.tests.factories import DAY, Desk, add_service
from paywell.desk.tests.test_roles import NEEDS, address
from paywell.invoicing.actions import issue_invoice

LOOKED_AT = ("client", "client_diagnoses", "service", "invoice", "issued", "payment", "staff_end", "clinician_edit")


@pytest.fixture
def stranger(desk: Desk) -> Client:
    """A client of nobody the clinician is, with a service, a diagnosis and an invoice; and all of it looked at."""
    other = make_client(desk.practice, legal_first_name="Piet", legal_last_name="Fremd")
    service = add_service(other, desk.clinician, desk.item, DAY)
    add_diagnosis(practice=desk.practice, client=other, code="F32.9", diagnosed_on=DAY, actor_id=None)
    issue_invoice(practice=desk.practice, account=other.default_account, services=[service], actor_id=None)
    keep_from_insurer(service=desk.waiting, is_kept=True, actor_id=desk.members[Role.OWNER].user_id)
    record(
        practice_id=desk.practice.id, actor_id=None, action="documents.issue", target_kind="superbill",
        target_id=desk.receipt.id, detail={"label": "SB-1"},
    )  # fmt: skip
    browser = desk.browser()
    for name in LOOKED_AT:
        assert browser.get(address(name, desk)).status_code == 200
    for name in ("client", "client_diagnoses"):
        assert browser.get(reverse(f"desk:{name}", args=[other.id])).status_code == 200
    return other


def read(desk: Desk, role: Role) -> list[dict[str, str]]:
    answer = desk.browser(role).get(reverse("desk:audit_csv"))
    assert answer.status_code == 200
    return list(csv.DictReader(StringIO(b"".join(answer.streaming_content).decode().removeprefix("\ufeff"))))


def test_who_may_see_the_whole_trail_sees_every_event(desk: Desk, stranger: Client) -> None:
    for role in (Role.OWNER, Role.BILLER):
        found = {row["Hash"] for row in read(desk, role)}
        events = AuditEvent.objects.filter(practice_id=desk.practice.id).exclude(action="audit.download")
        assert {event.hash for event in events} <= found


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.FRONT_DESK, Role.READ_ONLY])
def test_every_other_role_reads_only_kinds_that_it_may_see(desk: Desk, stranger: Client, role: Role) -> None:
    rows = read(desk, role)
    kinds = {row["Of"] for row in rows}
    assert {"client", "service", "invoice", "grant", "attempt"} <= kinds
    assert kinds.isdisjoint({"staff_member", "clinician", "practice", "catalog_item", "processor_account", ""})
    assert kinds <= {kind for kind, needed in KIND_NEEDS.items() if needed in PERMISSIONS[role]}


def test_the_front_desk_reads_of_no_clinical_subject(desk: Desk, stranger: Client) -> None:
    rows = read(desk, Role.FRONT_DESK)
    assert {"diagnosis", "superbill", "document"}.isdisjoint(row["Of"] for row in rows)
    assert "care.keep_from_insurer" not in {row["What"] for row in rows}
    assert not any(page in row["Detail"] for row in rows for page in CLINICAL_PAGES)
    assert [row["Name"] for row in rows if "desk.view" in row["What"] and row["Of"] == "client"] == [
        "Piet Fremd", "Ana Duarte",
    ]  # fmt: skip
    text = desk.browser(Role.FRONT_DESK).get(reverse("desk:audit")).content.decode()
    assert "iagnoses" not in text
    assert "Diagnosis" not in text
    assert "F41" not in text
    assert "Looked at the diagnoses" in desk.browser(Role.READ_ONLY).get(reverse("desk:audit")).content.decode()


def test_a_clinician_reads_of_own_clients_alone(desk: Desk, stranger: Client) -> None:
    rows = read(desk, Role.CLINICIAN)
    assert {"Ana Duarte"} == {row["Name"] for row in rows if row["Of"] in ("client", "service", "attempt")}
    own = {str(desk.client.id), str(desk.diagnosis.id), str(desk.unpaid.id), str(desk.attempt.id)}
    assert own <= {row["ID"] for row in rows}
    browser = desk.browser(Role.CLINICIAN)
    assert "Fremd" not in browser.get(reverse("desk:audit")).content.decode()
    assert browser.get(reverse("desk:audit"), {"client": desk.client.id}).status_code == 200
    assert browser.get(reverse("desk:audit"), {"client": stranger.id}).status_code == 404
    type(desk.client).objects.filter(pk=desk.client.pk).update(clinician=None)
    assert read(desk, Role.CLINICIAN) == []


def test_the_record_shows_who_looked_at_it(desk: Desk) -> None:
    desk.browser(Role.READ_ONLY).get(address("client", desk))
    for role in Role:
        text = desk.browser(role).get(address("client", desk)).content.decode()
        looks = text.partition("Who looked at this")[2]
        assert "Sol Varga" in looks.partition("</section>")[0], role
        assert f"?client={desk.client.id}" in looks


def test_every_page_about_a_diagnosis_or_care_is_known_as_clinical() -> None:
    with_care = {name for name in NEEDS if "diagnos" in name or "superbill" in name or "estimate" in name}
    assert with_care <= CLINICAL_PAGES
    assert P.SEE_DIAGNOSES in {KIND_NEEDS[kind] for kind in ("diagnosis", "superbill", "estimate", "document")}


def test_a_kind_that_nobody_placed_stays_with_the_whole_trail(desk: Desk) -> None:
    record(practice_id=desk.practice.id, actor_id=None, action="x.new", target_kind="novelty", detail={"a": "b"})
    assert "x.new" in {row["What"] for row in read(desk, Role.BILLER)}
    for role in (Role.CLINICIAN, Role.FRONT_DESK, Role.READ_ONLY):
        assert "x.new" not in {row["What"] for row in read(desk, role)}
