"""Editing a recorded service: what may change, when it is locked, and what the audit trail keeps."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.urls import reverse

from paywell.accounts.models import Role
from paywell.accounts.types import StaffViewer
from paywell.audit.models import AuditEvent
from paywell.billing.entries import EntryForm, make_entry
from paywell.billing.models import EntryKind, Method
from paywell.care.actions import add_diagnosis, end_diagnosis, void_service
from paywell.care.editing import ServiceEdit, edit_service, get_lock
from paywell.care.models import CatalogItem, Diagnosis, Service
from paywell.core.errors import UserError
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.desk.tests.factories import DAY, Desk, add_service
from paywell.desk.tests.test_roles import address
from paywell.documents.making_superbills import make_superbills
from paywell.invoicing.actions import void_invoice
from paywell.ledger.models import Transfer
from paywell.practice.actions import add_location
from paywell.practice.models import Location


def edit_of(desk: Desk, **values: Any) -> ServiceEdit:
    row = desk.waiting
    return replace(ServiceEdit(row.on, row.clinician, desk.item, fee=Money(14_000)), **values)


def edit(desk: Desk, service: Service | None = None, **values: Any) -> Service:
    return edit_service(service=service or desk.waiting, edit=edit_of(desk, **values), actor_id=new_id())


def events(desk: Desk) -> list[dict[str, Any]]:
    return [event.detail for event in AuditEvent.objects.filter(action="care.edit_service").order_by("seq")]


def refused(desk: Desk, code: str, service: Service | None = None, **values: Any) -> None:
    row = service or desk.waiting
    before = Service.objects.filter(pk=row.pk).values().get()
    with pytest.raises(UserError) as caught:
        edit(desk, service, **values)
    assert caught.value.code == code
    assert Service.objects.filter(pk=row.pk).values().get() == before
    assert events(desk) == []


def test_date_code_fee_units_and_place_change_and_the_trail_keeps_both(desk: Desk) -> None:
    item = CatalogItem.objects.create(
        practice=desk.practice, code="FAM60", wording="Family session", fee_minor=18_000, currency="USD"
    )
    home = add_location(practice=desk.practice, name="By video", place_of_service="10", actor_id=None)
    moved = Transfer.objects.count()
    edit(desk, catalog_item=item, on=date(2026, 11, 6), units=2, fee=None, location=home, insurer_minor=5_000)
    row = Service.objects.get(pk=desk.waiting.pk)
    assert (row.code, row.wording, row.on, row.units) == ("FAM60", "Family session", date(2026, 11, 6), 2)
    assert (row.fee_minor, row.insurer_minor, row.place_of_service, row.location) == (36_000, 5_000, "10", home)
    (detail,) = events(desk)
    assert detail["fee"] == "140.00 \u2192 360.00"
    assert detail["date"] == "2026-11-05 \u2192 2026-11-06"
    assert set(detail) == {"fee", "date", "code", "wording", "units", "place", "insurer"}
    assert Transfer.objects.count() == moved


def test_the_same_again_writes_nothing(desk: Desk) -> None:
    edit(desk)
    assert events(desk) == []


def test_the_rules_of_recording_hold(desk: Desk) -> None:
    refused(desk, "fee_invalid", fee=Money(0))
    refused(desk, "insurer_above_fee", insurer_minor=14_001)
    refused(desk, "units_invalid", units=0)
    refused(desk, "date_too_late", on=date(2099, 1, 1))
    refused(desk, "place_invalid", place_of_service="10", on=date(2021, 5, 1))
    refused(desk, "diagnosis_not_in_force", on=date(2026, 11, 1), diagnosis_ids=[desk.diagnosis.id])


def test_a_pointer_that_stays_must_hold_on_the_new_day(desk: Desk) -> None:
    edit(desk, diagnosis_ids=[desk.diagnosis.id])
    assert events(desk) == [{"pointers": "changed"}]
    with pytest.raises(UserError):
        edit(desk, on=date(2026, 11, 1))
    assert Service.objects.get(pk=desk.waiting.pk).on == date(2026, 11, 5)


def test_on_an_invoice_it_is_locked_until_that_is_void(desk: Desk) -> None:
    row = desk.unpaid.lines.get().service
    assert get_lock(row) == "invoiced"
    refused(desk, "service_locked", row, fee=Money(100))
    void_invoice(invoice=desk.unpaid, actor_id=None, reason="Wrong fee")
    assert edit(desk, row, on=row.on, fee=Money(100)).fee_minor == 100


def test_answered_by_an_insurer_on_a_superbill_or_void_it_is_locked(desk: Desk) -> None:
    viewer = StaffViewer(desk.members[Role.OWNER].user_id, desk.practice, Role.OWNER)
    answered = add_service(desk.client, desk.clinician, desk.item, DAY, insurer_minor=5_000)
    make_entry(
        viewer=viewer, account=desk.client.default_account,
        form=EntryForm(
            entry_id=new_id(), kind=EntryKind.INSURER_PAYMENT, amount=Money(100), method=Method.CHECK, reason="x",
            service_id=answered.id,
        ),
    )  # fmt: skip
    gone = void_service(service=add_service(desk.client, desk.clinician, desk.item, DAY), actor_id=None)
    edit(desk, diagnosis_ids=[desk.diagnosis.id])
    type(desk.client).objects.filter(pk=desk.client.pk).update(birth_date=date(1990, 4, 1))
    make_superbills(viewer, [desk.waiting.id], reason="The client asked for it")
    assert [get_lock(row) for row in (answered, gone, desk.waiting)] == ["answered", "voided", "on_superbill"]
    with pytest.raises(UserError):
        edit(desk, fee=Money(100))
    assert void_service(service=desk.waiting, actor_id=None).voided_at is not None


def test_a_diagnosis_ends_on_a_day_and_counts_for_no_service_after_it(desk: Desk) -> None:
    row = end_diagnosis(diagnosis=desk.diagnosis, ended_on=date(2026, 11, 4), actor_id=new_id())
    assert row.ended_on == date(2026, 11, 4)
    refused(desk, "diagnosis_not_in_force", diagnosis_ids=[row.id])
    assert end_diagnosis(diagnosis=row, ended_on=None, actor_id=new_id()).ended_on is None
    told = AuditEvent.objects.filter(action="care.end_diagnosis").order_by("seq")
    assert [event.detail for event in told] == [{"until": "2026-11-04"}, {"until": "open"}]


def test_a_diagnosis_does_not_end_before_it_began_or_before_a_service_that_points_to_it(desk: Desk) -> None:
    edit(desk, diagnosis_ids=[desk.diagnosis.id])
    for day, code in ((date(2026, 11, 2), "diagnosis_dates"), (date(2026, 11, 4), "diagnosis_in_use")):
        with pytest.raises(UserError) as caught:
            end_diagnosis(diagnosis=desk.diagnosis, ended_on=day, actor_id=new_id())
        assert caught.value.code == code
    assert Diagnosis.objects.get(pk=desk.diagnosis.pk).ended_on is None
    void_service(service=desk.waiting, actor_id=None)
    assert end_diagnosis(diagnosis=desk.diagnosis, ended_on=date(2026, 11, 4), actor_id=new_id()).ended_on


def test_a_second_diagnosis_of_the_same_code_may_begin_after_the_first_ended(desk: Desk) -> None:
    end_diagnosis(diagnosis=desk.diagnosis, ended_on=date(2026, 11, 4), actor_id=new_id())
    again = add_diagnosis(
        practice=desk.practice, client=desk.client, code="F41.1", diagnosed_on=date(2026, 11, 5), actor_id=None
    )
    assert edit(desk, diagnosis_ids=[again.id]).pointers.get().diagnosis == again


def form_of(desk: Desk, **fields: Any) -> dict[str, Any]:
    return {
        "catalog_item": desk.item.id, "on": "2026-11-05", "clinician": desk.clinician.id, "place_of_service": "11",
        "units": "1", "fee": "140.00",
    } | fields  # fmt: skip


def test_the_page_edits_and_the_trail_shows_before_and_after(desk: Desk) -> None:
    browser, page = desk.browser(Role.CLINICIAN), address("service_edit", desk)
    assert 'value="140.00"' in browser.get(page).content.decode()
    assert page in browser.get(address("service", desk)).content.decode()
    assert browser.post(page, form_of(desk, fee="95", insurer="96")).status_code == 422
    assert browser.post(page, form_of(desk, fee="95"))["Location"] == address("service", desk)
    assert Service.objects.get(pk=desk.waiting.pk).fee_minor == 9_500
    assert "fee: 140.00 \u2192 95.00" in desk.browser().get(reverse("desk:audit")).content.decode()


def test_what_is_invoiced_says_why_and_offers_the_way(desk: Desk) -> None:
    page = address("service_edit", desk, service_id=desk.service.id)
    text = desk.browser().get(page).content.decode()
    assert "an invoice never changes once it is issued" in text
    assert f"Open {desk.invoice.label}" in text
    again = f"{address('service_new', desk)}?like={desk.service.id}"
    assert again in text
    assert 'value="2026-11-03"' in desk.browser().get(again).content.decode()
    assert desk.browser().post(page, form_of(desk, fee="1")).status_code == 409
    assert Service.objects.get(pk=desk.service.pk).fee_minor == 14_000


def test_a_diagnosis_that_ended_is_refused_for_a_later_day_and_says_until_when(desk: Desk) -> None:
    browser = desk.browser()
    browser.post(address("diagnosis_end", desk), {"ended_on": "2026-11-04"})
    text = browser.get(address("service_edit", desk)).content.decode()
    assert 'data-from="2026-11-03"' in text
    assert 'data-until="2026-11-04"' in text
    assert "until Nov 4, 2026" in text
    answer = browser.post(address("service_edit", desk), form_of(desk, diagnoses=desk.diagnosis.id))
    assert "not in force on the day" in answer.content.decode()
    assert "ended Nov 4, 2026" in browser.get(address("client_diagnoses", desk)).content.decode()
    assert desk.diagnosis.code not in browser.get(address("estimate_new", desk)).content.decode()


def test_places_are_kept_in_the_settings_and_offered_while_they_are_in_use(desk: Desk) -> None:
    browser = desk.browser()
    said = {
        "name": "Mill school",
        "place_of_service": "03",
        "state": "co",
        "postal_code": "80401",
        "is_active": "on",
    }
    browser.post(address("location_new", desk), said)
    place = Location.objects.get(name="Mill school")
    assert (place.place_of_service, place.state) == ("03", "CO")
    assert browser.post(address("location_new", desk), said | {"name": "mill School"}).status_code == 422
    assert browser.post(address("location_new", desk), said | {"name": "X", "npi": "123"}).status_code == 422
    assert "Mill school" in browser.get(address("locations", desk)).content.decode()
    assert "Mill school" in browser.get(address("service_new", desk)).content.decode()
    browser.post(address("location_edit", desk, location_id=place.id), said | {"is_active": ""})
    assert "Mill school" not in browser.get(address("service_new", desk)).content.decode()


def test_a_services_page_says_what_its_place_of_service_means(desk: Desk) -> None:
    row = desk.waiting
    html = desk.browser().get(reverse("desk:service", args=[row.id])).content.decode()
    assert "<dt>Place of service</dt><dd>11 Office</dd>" in html
    form = desk.browser().get(reverse("desk:service_edit", args=[row.id])).content.decode()
    assert "Where the client was seen, in the two digits that insurers read: 11 is the office." in form
