"""A new service begins like the client's last session; nothing about money is taken over."""

from __future__ import annotations

from datetime import date

from django.urls import reverse

from paywell.accounts.models import Role
from paywell.care.actions import record_service
from paywell.care.models import Diagnosis, Service, ServiceKind
from paywell.clients.models import Client
from paywell.clients.tests.factories import make_client
from paywell.core.money import Money
from paywell.desk.forms.billing import ServiceForm
from paywell.desk.tests.factories import Desk

WORDS = "Filled in like the last session: change what was different."


def look(desk: Desk, client: Client | None = None, role: Role = Role.OWNER) -> tuple[ServiceForm, str]:
    page = desk.browser(role).get(reverse("desk:service_new", args=[(client or desk.client).id]))
    return page.context["form"], page.content.decode()


def record(desk: Desk, on: date, **others: object) -> Service:
    return record_service(
        practice=desk.practice, client=desk.client, clinician=desk.clinician, catalog_item=desk.item, on=on,
        actor_id=None, **others,
    )  # type: ignore[arg-type]  # fmt: skip


def test_what_was_done_where_and_for_which_diagnoses_is_filled_in_and_nothing_about_money(desk: Desk) -> None:
    Service.objects.update(voided_at="2026-11-20T00:00:00Z")
    diagnosis = Diagnosis.objects.filter(client=desk.client).first()
    assert diagnosis is not None
    record(
        desk, date(2026, 11, 20), place_of_service="10", fee=Money(99_00), insurer_minor=10_00, units=2,
        modifiers="HO", diagnosis_ids=[diagnosis.id],
    )  # fmt: skip
    form, html = look(desk)
    assert WORDS in html
    assert (form["catalog_item"].value(), form["place_of_service"].value()) == (desk.item.id, "10")
    assert form["diagnoses"].value() == [diagnosis.id]
    assert (form["on"].value(), form["units"].value()) == (date(2026, 11, 23), 1)
    assert [form[name].value() for name in ("fee", "insurer", "modifiers", "times")] == [None] * 4
    Diagnosis.objects.update(ended_on=date(2026, 11, 21))
    assert look(desk)[0]["diagnoses"].value() == []


def test_a_session_that_is_void_to_come_or_a_fee_is_no_last_session(desk: Desk) -> None:
    Service.objects.update(voided_at="2026-11-20T00:00:00Z")
    record(desk, date(2026, 11, 30))
    record(desk, date(2026, 11, 20), kind=ServiceKind.NO_SHOW)
    form, html = look(desk)
    assert form["catalog_item"].value() is None
    assert WORDS not in html


def test_nothing_is_taken_from_another_client(desk: Desk) -> None:
    form, html = look(desk, make_client(desk.practice))
    assert form["catalog_item"].value() is None
    assert WORDS not in html
