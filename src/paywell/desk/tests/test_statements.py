from __future__ import annotations

import re

from django.urls import reverse

from paywell.desk.tests.factories import Desk
from paywell.documents.models import IssuedDocument
from paywell.work.models import Work

DAYS = {"date_from": "2026-11-01", "date_to": "2026-11-23", "which": "owing", "output": "zip"}


def test_the_preview_says_whom_it_is_for_and_issues_nothing(desk: Desk) -> None:
    before = IssuedDocument.objects.count()
    content = desk.browser().get(reverse("desk:statement_batch"), DAYS).content.decode()
    assert "1 statement" in content
    assert "Give a client the one of theirs" in content
    assert desk.client.default_account.name in content
    assert "$210.00" in content
    assert IssuedDocument.objects.count() == before
    assert not Work.objects.filter(kind="statement_batch").exists()


def test_its_button_queues_the_work_once_and_leads_to_its_progress(desk: Desk) -> None:
    browser = desk.browser()
    content = browser.get(reverse("desk:statement_batch"), DAYS).content.decode()
    key = re.search(r'name="key" value="(\w+)"', content)
    assert key
    for _ in range(2):
        answer = browser.post(reverse("desk:statement_batch"), {**DAYS, "key": key[1]})
        work = Work.objects.get(kind="statement_batch")
        assert answer["Location"] == reverse("desk:work", args=[work.id])
    assert work.title == "Statements, Nov 1, 2026 to Nov 23, 2026"
    assert work.requested_by == desk.members["owner"].user_id


def test_days_ahead_are_refused_at_the_field(desk: Desk) -> None:
    answer = desk.browser().get(reverse("desk:statement_batch"), {**DAYS, "date_to": "2026-12-31"})
    assert answer.status_code == 422
    assert "ends today or earlier" in answer.content.decode()
