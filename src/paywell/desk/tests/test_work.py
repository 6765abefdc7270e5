from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest
from django.urls import reverse

from paywell.accounts.models import Role
from paywell.audit.models import AuditEvent
from paywell.core import clock
from paywell.desk.tests.factories import Desk
from paywell.work.models import Work, WorkFile, WorkState
from paywell.work.tests.factories import ask_for, serve_all


def page_of(desk: Desk, work: Work, role: Role = Role.OWNER) -> str:
    return desk.browser(role).get(reverse("desk:work", args=[work.id])).content.decode()


def ask(desk: Desk, *names: str, role: Role = Role.OWNER) -> Work:
    desk.browser(role)
    return ask_for(*names, practice_id=desk.practice.id, actor_id=desk.members[role].user_id)


def test_the_page_shows_how_far_it_is_and_loads_again_without_scripts(desk: Desk) -> None:
    work = ask(desk, "ana", "ben", "cal", "dee")
    Work.objects.filter(pk=work.pk).update(state=WorkState.RUNNING, total=4, done=2, skipped=1)
    content = page_of(desk, work)
    assert '<progress class="progress" max="4" value="3"' in content
    assert "2 of 4 done." in " ".join(content.split())
    assert "1 was skipped." in content
    assert '<noscript><meta http-equiv="refresh"' in content
    assert "data-poll" in content


def test_what_has_ended_does_not_load_again_and_offers_its_files(desk: Desk) -> None:
    work = ask(desk, "ana", "ben")
    serve_all()
    content = page_of(desk, work)
    assert "http-equiv" not in content
    assert "data-poll" not in content
    assert "Stop this work" not in content
    assert "2 names" in content
    answer = desk.browser().get(reverse("desk:work_zip", args=[work.id]))
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert {name: archive.read(name) for name in archive.namelist()} == {"ana.txt": b"ana", "ben.txt": b"ben"}
    assert answer["Cache-Control"] == "no-store, private"
    file = work.files.get(name="ben.txt")
    answer = desk.browser().get(reverse("desk:work_file", args=[work.id, file.id]))
    assert answer.content == b"ben"
    assert answer["Content-Disposition"] == 'attachment; filename="ben.txt"'
    told = AuditEvent.objects.filter(action="work.download_file", target_id=work.id)
    assert [event.detail for event in told.order_by("seq")] == [{"file": "files.zip"}, {"file": "ben.txt"}]


def test_a_file_whose_time_is_over_is_not_found(desk: Desk) -> None:
    work, file = desk.work, desk.work_file
    WorkFile.objects.filter(pk=file.pk).update(expires_at=clock.now() - timedelta(seconds=1))
    assert desk.browser().get(reverse("desk:work_file", args=[work.id, file.id])).status_code == 404


@pytest.mark.parametrize("role", [Role.OWNER, Role.BILLER])
def test_whoever_issues_invoices_may_stop_any_work(desk: Desk, role: Role) -> None:
    work = ask(desk, "ana", role=Role.FRONT_DESK)
    assert desk.browser(role).post(reverse("desk:work_cancel", args=[work.id])).status_code == 302
    work.refresh_from_db()
    assert work.state == WorkState.CANCELED
    assert "Canceled before anything was done." in page_of(desk, work)


def test_others_stop_only_what_they_asked_for(desk: Desk) -> None:
    theirs, own = ask(desk, "ana"), ask(desk, "ben", role=Role.FRONT_DESK)
    browser = desk.browser(Role.FRONT_DESK)
    assert "Stop this work" not in page_of(desk, theirs, Role.FRONT_DESK)
    assert browser.post(reverse("desk:work_cancel", args=[theirs.id])).status_code == 404
    assert browser.post(reverse("desk:work_cancel", args=[own.id])).status_code == 302
    assert [Work.objects.get(pk=w.pk).state for w in (theirs, own)] == [WorkState.QUEUED, WorkState.CANCELED]


def test_a_clinician_sees_only_what_they_asked_for_themselves(desk: Desk) -> None:
    theirs, own = ask(desk, "ana"), ask(desk, "ben", role=Role.CLINICIAN)
    browser = desk.browser(Role.CLINICIAN)
    assert browser.get(reverse("desk:work", args=[own.id])).status_code == 200
    for address in (
        reverse("desk:work", args=[theirs.id]),
        reverse("desk:work_zip", args=[theirs.id]),
        reverse("desk:work_file", args=[desk.work.id, desk.work_file.id]),
    ):
        assert browser.get(address).status_code == 404
    content = browser.get(reverse("desk:works")).content.decode()
    assert content.count("lead-cell") == 1


def test_a_kind_of_work_is_seen_only_with_the_right_that_it_needs(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paywell.work.tests.factories.Names.needs", "change_settings")
    assert desk.browser(Role.BILLER).get(reverse("desk:work", args=[desk.work.id])).status_code == 404
    assert desk.browser(Role.OWNER).get(reverse("desk:work", args=[desk.work.id])).status_code == 200
