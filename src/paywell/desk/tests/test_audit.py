"""The audit trail: every view of a record is in it, and staff can read it, narrowed, on the screen and as CSV."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.db import OperationalError
from django.urls import reverse
from django.urls.converters import UUIDConverter

from paywell.accounts.models import Role
from paywell.accounts.types import PERMISSIONS
from paywell.audit.models import AuditEvent
from paywell.clients.tests.factories import make_client, make_portal_user
from paywell.core import clock
from paywell.desk.tests.factories import Desk, make_desk
from paywell.desk.tests.test_roles import NAMES, NEEDS, POST_ONLY, address
from paywell.desk.urls import urlpatterns


def views(desk: Desk) -> list[tuple[str, Any]]:
    rows = AuditEvent.objects.filter(practice_id=desk.practice.id, action__endswith=".view").order_by("at", "id")
    return [(row.target_kind, row.target_id) for row in rows]


def read(desk: Desk, **wanted: Any) -> list[dict[str, str]]:
    answer = desk.browser().get(reverse("desk:audit_csv"), wanted)
    assert answer.status_code == 200
    text = b"".join(answer.streaming_content).decode().removeprefix("\ufeff")
    return list(csv.DictReader(StringIO(text)))


def test_every_page_with_an_id_that_opens_is_one_view_in_the_trail(desk: Desk) -> None:
    browser = desk.browser()
    with_id = [p.name for p in urlpatterns if any(type(c) is UUIDConverter for c in p.pattern.converters.values())]
    assert len(with_id) > 30
    for name in with_id:
        before = len(views(desk))
        if name in POST_ONLY or browser.get(address(name, desk)).status_code != 200:
            continue
        seen = views(desk)[before:]
        assert len(seen) == 1, name
        assert seen[0][1] in desk.ids().values(), name


@pytest.mark.parametrize("role", list(Role))
def test_what_is_refused_was_not_seen(desk: Desk, role: Role) -> None:
    browser = desk.browser(role)
    for name, permission in NEEDS.items():
        if NAMES[name].pattern.converters and permission not in PERMISSIONS[role]:
            browser.get(address(name, desk))
    browser.get(address("client", make_desk()))
    assert views(desk) == []


def test_a_form_sent_and_a_page_that_asks_by_itself_are_no_views(desk: Desk) -> None:
    browser = desk.browser()
    browser.post(address("client_edit", desk), {})
    browser.get(address("client", desk), headers={"X-Background": "1"})
    browser.head(address("client", desk))
    browser.get(reverse("desk:clients"))
    assert views(desk) == []


def test_a_document_seen_in_the_portal_is_one_view_of_that_person(desk: Desk, client: Any) -> None:
    user, person = make_portal_user(desk.practice, may_see_documents=True)
    client.force_login(user)
    type(desk.grant).objects.filter(contact__user=user).update(
        client=desk.client, account=desk.client.default_account
    )
    assert client.get(reverse("portal:invoice", args=[desk.invoice.id])).status_code == 200
    assert client.get(reverse("portal:payment", args=[desk.attempt.id])).status_code == 200
    events = AuditEvent.objects.filter(practice_id=desk.practice.id, actor_id=user.id, action__endswith=".view")
    assert [(event.action, event.target_id) for event in events.order_by("id")] == [
        ("documents.view", desk.invoice.id),
        ("portal.view", desk.attempt.id),
    ]


def test_a_database_that_is_busy_keeps_nobody_from_reading_and_the_view_stands_in_the_log(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(**view: Any) -> None:
        error = OperationalError("database is locked")
        error.__cause__ = type("Busy", (Exception,), {"sqlite_errorname": "SQLITE_BUSY"})()
        raise error

    monkeypatch.setattr("paywell.accounts.web.record_view", refuse)
    assert desk.browser().get(address("client", desk)).status_code == 200
    assert (
        f"view kept here viewer={desk.members[Role.OWNER].user_id} kind=client target={desk.client.id}"
        in caplog.text
    )


def test_the_trail_is_narrowed_by_person_client_kind_and_day(desk: Desk) -> None:
    other = make_client(desk.practice, legal_first_name="Piet", legal_last_name="Fremd")
    with clock.set_to(clock.now() + timedelta(days=2)):
        owner, reader = desk.browser(), desk.browser(Role.READ_ONLY)
        for row in (desk.client, other):
            owner.get(reverse("desk:client", args=[row.id]))
        reader.get(reverse("desk:service", args=[desk.waiting.id]))
        owner.get(reverse("desk:invoice", args=[desk.invoice.id]))
        seen = read(desk, kind="views")
        assert [row["Name"] for row in seen] == [desk.invoice.label, "Ana Duarte", "Piet Fremd", "Ana Duarte"]
        mine = read(desk, kind="views", client=desk.client.id)
        assert [row["Of"] for row in mine] == ["invoice", "service", "client"]
        assert [row["Of"] for row in read(desk, kind="views", client=other.id)] == ["client"]
        theirs = read(desk, kind="views", person=desk.members[Role.READ_ONLY].user_id)
        assert [(row["By"], row["Of"]) for row in theirs] == [("Sol Varga", "service")]
        today = date(2026, 11, 25)
        assert len(read(desk, kind="views", date_from=today, date_to=today)) == 4
        assert read(desk, kind="views", date_to=today - timedelta(days=1)) == []
        changes = {row["What"] for row in read(desk, kind="changes", client=desk.client.id)}
        assert {"clients.create_client", "invoicing.issue_invoice", "care.record_service"} <= changes
        assert not any(what.endswith(".view") for what in changes)


def test_taking_the_trail_out_stands_in_it(desk: Desk) -> None:
    read(desk)
    assert read(desk)[0]["What"] == "audit.download"


def test_another_practices_client_narrows_nothing_and_is_not_found(desk: Desk) -> None:
    there = make_desk()
    for name in ("audit", "audit_csv"):
        assert desk.browser().get(reverse(f"desk:{name}"), {"client": there.client.id}).status_code == 404


def test_another_practices_events_and_people_are_not_in_it(desk: Desk) -> None:
    there = make_desk()
    there.browser().get(reverse("desk:client", args=[there.client.id]))
    assert all(row["ID"] != str(there.client.id) for row in read(desk))
    page = desk.browser().get(reverse("desk:audit"), {"person": there.members[Role.OWNER].user_id})
    assert page.status_code == 200
    assert f'value="{there.members[Role.OWNER].user_id}"' not in page.content.decode()
    assert page.context["is_narrowed"] is False


def test_the_number_of_a_document_stands_without_the_word_for_it(desk: Desk) -> None:
    content = desk.browser().get(reverse("desk:audit")).content.decode()
    assert desk.unpaid.label in content
    assert "label:" not in content
