"""A service that repeats weekly, and the fee for a session that did not take place."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.urls import reverse

from paywell.accounts.models import Role
from paywell.care.actions import add_catalog_item, record_each_day, void_service
from paywell.care.models import CatalogItem, Service, ServiceKind
from paywell.core.errors import UserError
from paywell.core.money import Money
from paywell.desk.tests.factories import Desk

FIRST = date(2026, 11, 10)
WEEKS = [FIRST + timedelta(weeks=week) for week in range(4)]


def address(desk: Desk, name: str = "service_new") -> str:
    return reverse(f"desk:{name}", args=[desk.client.id])


def form(desk: Desk, **others: Any) -> dict[str, Any]:
    return {
        "catalog_item": desk.item.id, "on": FIRST, "clinician": desk.clinician.id, "units": 1, "insurer": "100.00",
        "times": 4, "diagnoses": [desk.diagnosis.id], **others,
    }  # fmt: skip


def days(desk: Desk) -> list[date]:
    return list(
        Service.objects.filter(client=desk.client, on__gte=FIRST).order_by("on").values_list("on", flat=True)
    )


def test_the_days_are_shown_first_and_nothing_is_recorded_yet(desk: Desk) -> None:
    page = desk.browser().post(address(desk), form(desk))
    assert page.status_code == 200
    assert [day for day, _ in page.context["days"]] == WEEKS
    text = page.content.decode()
    assert text.count('type="checkbox" name="day"') == 4
    for name, value in (("insurer", "100.00"), ("diagnoses", desk.diagnosis.id), ("times", 4)):
        assert f'type="hidden" name="{name}" value="{value}"' in text
    assert days(desk) == []


def test_the_days_left_in_are_recorded_in_one_go_with_both_parts(desk: Desk) -> None:
    chosen = [WEEKS[0], WEEKS[1], WEEKS[3]]
    sent = form(desk, confirmed="yes", day=[day.isoformat() for day in chosen])
    answer = desk.browser().post(address(desk), sent, follow=True)
    assert "3 services are recorded." in answer.content.decode()
    assert days(desk) == chosen
    for service in Service.objects.filter(on__gte=FIRST):
        assert (service.fee_minor, service.insurer_minor, service.client_minor) == (14_000, 10_000, 4_000)
        assert [pointer.diagnosis_id for pointer in service.pointers.all()] == [desk.diagnosis.id]


def test_pressing_twice_records_nothing_twice(desk: Desk) -> None:
    browser, sent = desk.browser(), form(desk, confirmed="yes", day=[day.isoformat() for day in WEEKS])
    browser.post(address(desk), sent)
    answer = browser.post(address(desk), sent, follow=True)
    assert "4 days had this service already and were left out." in answer.content.decode()
    assert days(desk) == WEEKS
    void_service(service=Service.objects.get(on=FIRST), actor_id=None)
    browser.post(address(desk), sent)
    assert Service.objects.filter(on=FIRST, voided_at=None).count() == 1


def test_a_day_that_was_not_offered_is_not_recorded(desk: Desk) -> None:
    sent = form(desk, confirmed="yes", day=["2026-11-11", FIRST.isoformat(), "nonsense"])
    desk.browser().post(address(desk), sent)
    assert days(desk) == [FIRST]


def test_no_day_or_one_too_far_ahead_records_none_at_all(desk: Desk) -> None:
    browser = desk.browser()
    answer = browser.post(address(desk), form(desk, confirmed="yes"))
    assert answer.status_code == 422
    assert "Choose at least one day." in answer.content.decode()
    late = form(desk, on=date(2027, 11, 24), times=2, confirmed="yes", day=["2027-11-24", "2027-12-01"])
    assert browser.post(address(desk), late).status_code == 422
    assert browser.post(address(desk), form(desk, times=53)).status_code == 422
    assert days(desk) == []


def test_one_that_fails_undoes_the_others(desk: Desk) -> None:
    with pytest.raises(UserError):
        record_each_day(
            client=desk.client, days=[FIRST, date(2030, 1, 1)], actor_id=None, catalog_item=desk.item,
            clinician=desk.clinician,
        )  # fmt: skip
    assert days(desk) == []


def add_fee(desk: Desk) -> CatalogItem:
    return add_catalog_item(
        practice=desk.practice, code="NS", wording="Missed session", fee=Money(8_000), kind=ServiceKind.NO_SHOW,
        actor_id=None,
    )  # fmt: skip


def test_a_no_show_takes_two_presses(desk: Desk) -> None:
    fee, browser = add_fee(desk), desk.browser(Role.CLINICIAN)
    record = browser.get(reverse("desk:client", args=[desk.client.id])).content.decode()
    assert f'href="{address(desk, "service_fee")}"' in record
    page = browser.get(address(desk, "service_fee"))
    bound = page.context["form"]
    sent = {name: bound[name].value() for name in bound.fields}
    for _ in range(2):
        assert browser.post(address(desk, "service_fee"), sent).status_code == 302
    service = Service.objects.get(kind=ServiceKind.NO_SHOW)
    assert (service.fee_minor, service.insurer_minor, service.on) == (8_000, 0, date(2026, 11, 23))
    assert (service.clinician_id, service.wording) == (desk.clinician.id, fee.wording)


def test_without_such_a_fee_the_page_says_so_and_a_session_is_no_choice(desk: Desk) -> None:
    browser, count = desk.browser(), Service.objects.count()
    assert "no fee for a no-show" in browser.get(address(desk, "service_fee")).content.decode()
    add_fee(desk)
    sent = {"catalog_item": desk.item.id, "on": FIRST, "clinician": desk.clinician.id}
    assert browser.post(address(desk, "service_fee"), sent).status_code == 422
    assert Service.objects.count() == count


def test_what_is_still_to_come_waits_for_no_invoice(desk: Desk) -> None:
    browser = desk.browser()
    ahead = [date(2026, 11, 24), date(2026, 12, 1)]
    record_each_day(client=desk.client, days=ahead, actor_id=None, catalog_item=desk.item, clinician=desk.clinician)
    inbox = browser.get(reverse("desk:inbox")).content.decode()
    assert "1 service waits for an invoice" in inbox
    assert "1 service not invoiced" in browser.get(reverse("desk:client", args=[desk.client.id])).content.decode()
    waiting = browser.get(reverse("desk:services")).context["page"].rows
    assert [row.service.id for row in waiting] == [desk.waiting.id]
    upcoming = browser.get(reverse("desk:services"), {"show": "upcoming"}).context["page"].rows
    assert sorted(row.service.on for row in upcoming) == ahead
    text = browser.get(reverse("desk:invoice_new", args=[desk.client.id])).content.decode()
    assert text.count("still to come") == 2
    for row in (desk.waiting, *Service.objects.filter(on__in=ahead)):
        assert (f'value="{row.id}" checked' in text) is (row == desk.waiting)


def test_one_recorded_ahead_leads_to_no_invoice_of_it(desk: Desk) -> None:
    sent = form(desk, on="2026-12-01", times="", diagnoses=[])
    answer = desk.browser().post(address(desk), sent)
    assert answer["Location"] == reverse("desk:client_services", args=[desk.client.id])


def test_a_no_show_asks_what_becomes_of_the_session_recorded_for_that_day(desk: Desk) -> None:
    fee, browser, here = add_fee(desk), desk.browser(), address(desk, "service_fee")
    assert 'name="session"' not in browser.get(here).content.decode()
    for day, session, is_void in ((WEEKS[0], "void", True), (WEEKS[1], "keep", False)):
        record_each_day(
            client=desk.client, days=[day], actor_id=None, catalog_item=desk.item, clinician=desk.clinician
        )
        sent = {"catalog_item": fee.id, "on": day, "clinician": desk.clinician.id}
        asked = browser.post(here, sent)
        assert asked.status_code == 422
        assert "Say what becomes of it" in asked.content.decode()
        assert Service.objects.filter(on=day, kind=ServiceKind.NO_SHOW).count() == 0
        assert browser.post(here, {**sent, "session": session}).status_code == 302
        recorded = Service.objects.get(on=day, kind=ServiceKind.SESSION)
        assert (recorded.voided_at is not None) is is_void
        assert Service.objects.filter(on=day, kind=ServiceKind.NO_SHOW).count() == 1
