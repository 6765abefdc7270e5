"""Lists as CSV: the short one at once, the long one by the worker; the same rows both ways."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.urls import reverse

from paywell.accounts.models import Role, StaffMember
from paywell.accounts.types import PERMISSIONS, StaffViewer
from paywell.audit.models import AuditEvent
from paywell.clients.tests.factories import make_client
from paywell.desk.queries.payments import list_payments
from paywell.desk.tests.factories import Desk
from paywell.work.models import Work, WorkState
from paywell.work.tests.factories import serve_all

CSV = {"clients": "desk:client_csv", "payments": "desk:payment_csv", "audit": "desk:audit_csv"}


def rows_of(content: bytes) -> list[list[str]]:
    text = content.decode()
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


def direct(desk: Desk, name: str, **asked: str) -> list[list[str]]:
    return rows_of(b"".join(desk.browser().get(reverse(CSV[name]), asked)))


def by_worker(desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str, **asked: str) -> Work:
    monkeypatch.setattr("paywell.desk.views.exports.AT_ONCE", 0)
    monkeypatch.setattr("paywell.desk.exports.PIECE", 2)
    answer = desk.browser().get(reverse(CSV[name]), asked)
    assert answer.status_code == 302
    serve_all()
    return Work.objects.get(pk=answer["Location"].split("/")[-2])


@pytest.mark.parametrize("name", CSV)
def test_a_long_list_is_written_by_the_worker_with_the_rows_of_a_short_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for first in ("Bea", "Cal", "Dee", "Eva"):
        make_client(desk.practice, legal_first_name=first, legal_last_name="Reed")
    expected = direct(desk, name)
    work = by_worker(desk, monkeypatch, name)
    assert (work.state, work.kind) == (WorkState.DONE, f"export_{name}")
    file = work.files.get()
    assert file.name == f"{name}.csv"
    made = rows_of(bytes(file.content))
    # The trail has grown by the asking itself.
    assert made[0] == expected[0]
    assert made[-len(expected) + 1 :] == expected[1:]
    assert name == "audit" or made == expected
    assert AuditEvent.objects.filter(action=f"{name}.download").count() == 2


def test_a_list_of_clients_tells_who_they_are_and_what_they_owe(desk: Desk) -> None:
    header, ana = direct(desk, "clients")
    told: Any = dict(zip(header, ana, strict=True))
    assert (told["Last name"], told["First name"], told["E-mail"]) == ("Duarte", "Ana", "ana@example.org")
    assert (told["Portal"], told["Balance"]) == ("Invited", "210.00")


def test_the_file_is_narrowed_as_the_page_is(desk: Desk) -> None:
    make_client(desk.practice, legal_first_name="Bea", legal_last_name="Reed")
    assert [row[0] for row in direct(desk, "clients", q="reed")[1:]] == ["Reed"]
    assert [row[0] for row in direct(desk, "clients", show="owing")[1:]] == ["Duarte"]
    assert {row[5] for row in direct(desk, "payments", how="online")[1:]} == {"Paid"}
    assert direct(desk, "payments", date_to="2001-01-01")[1:] == []


def test_payments_stand_in_the_order_of_the_page_those_by_hand_among_them(desk: Desk) -> None:
    viewer = StaffViewer(desk.members[Role.OWNER].user_id, desk.practice, Role.OWNER)
    page = [str(row.attempt_id) for row in list_payments(viewer).rows]
    assert len(page) > 1
    assert [row[-1] for row in direct(desk, "payments")[1:]] == page


def test_asked_twice_while_it_is_under_way_it_is_written_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paywell.desk.views.exports.AT_ONCE", 0)
    leads = {desk.browser().get(reverse(CSV["clients"]), {"q": "ana"})["Location"] for _ in range(2)}
    assert len(leads) == 1
    assert desk.browser().get(reverse(CSV["clients"]))["Location"] not in leads


def test_a_clinicians_file_has_their_own_clients_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    make_client(desk.practice, legal_first_name="Bea", legal_last_name="Reed")
    browser = desk.browser(Role.CLINICIAN)
    assert b"Reed" not in b"".join(browser.get(reverse(CSV["clients"])))
    monkeypatch.setattr("paywell.desk.views.exports.AT_ONCE", 0)
    browser.get(reverse(CSV["clients"]))
    serve_all()
    content = bytes(Work.objects.get(kind="export_clients").files.get().content)
    assert b"Duarte" in content
    assert b"Reed" not in content


def test_whoever_lost_the_right_meanwhile_gets_no_file(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paywell.desk.views.exports.AT_ONCE", 0)
    desk.browser(Role.BILLER).get(reverse(CSV["audit"]))
    StaffMember.objects.filter(pk=desk.members[Role.BILLER].pk).update(role=Role.READ_ONLY)
    monkeypatch.setitem(PERMISSIONS, Role.READ_ONLY, frozenset())
    serve_all()
    work = Work.objects.get(kind="export_audit")
    assert work.state == WorkState.FAILED
    assert not work.files.exists()


def test_whoever_may_see_less_meanwhile_gets_less(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paywell.desk.views.exports.AT_ONCE", 0)
    desk.browser(Role.BILLER).get(reverse(CSV["audit"]))
    StaffMember.objects.filter(pk=desk.members[Role.BILLER].pk).update(role=Role.FRONT_DESK)
    serve_all()
    content = bytes(Work.objects.get(kind="export_audit").files.get().content)
    assert b"clients.create_client" in content
    assert b"care.add_diagnosis" not in content
