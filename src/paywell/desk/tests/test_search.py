"""The search at the top of the desk, as it answers while one types."""

from __future__ import annotations

import re

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from paywell.accounts.models import Role
from paywell.accounts.types import PERMISSIONS, Permission
from paywell.clients.search import rebuild
from paywell.clients.tests.factories import make_client
from paywell.desk.tests.factories import Desk, make_desk

ADDRESS = reverse("desk:search")


def find(desk: Desk, words: str, role: Role = Role.OWNER) -> str:
    answer = desk.browser(role).post(ADDRESS, {"q": words})
    assert answer.status_code == 200
    return answer.content.decode()


def targets(content: str) -> list[str]:
    return re.findall(r'data-href="([^"]+)"', content)


def test_clients_and_invoices_are_found_while_one_types(desk: Desk) -> None:
    rebuild()
    content = find(desk, desk.client.legal_last_name[:3])
    assert targets(content)[0] == reverse("desk:client", args=[desk.client.id])
    assert "Show all results" in content
    assert reverse("desk:invoice", args=[desk.invoice.id]) in targets(find(desk, desk.invoice.label))


def test_nothing_found_is_said_and_no_words_find_nothing(desk: Desk) -> None:
    assert 'data-found="Nothing found."' in find(desk, "nobodyatall")
    assert targets(find(desk, "   ")) == []


def test_another_practice_s_clients_are_never_found(desk: Desk) -> None:
    make_client(make_desk().practice, legal_last_name="Quillon")
    rebuild()
    assert targets(find(desk, "quillon")) == []


def test_who_sees_no_money_finds_neither_balance_nor_invoice(desk: Desk) -> None:
    rebuild()
    for role in Role:
        content = find(desk, desk.invoice.label, role)
        assert (reverse("desk:invoice", args=[desk.invoice.id]) in targets(content)) is (
            Permission.SEE_MONEY in PERMISSIONS[role]
        ), role


def test_six_clients_are_shown_at_the_cost_of_one(desk: Desk) -> None:
    counts = []
    browser = desk.browser()
    for number in (1, 9):
        for _ in range(number):
            make_client(desk.practice, legal_last_name="Quillon")
        rebuild()
        browser.post(ADDRESS, {"q": "quillon"})
        with CaptureQueriesContext(connection) as queries:
            content = browser.post(ADDRESS, {"q": "quillon"}).content.decode()
        counts.append(len(queries))
    assert len(targets(content)) == 6
    assert 'data-found="6 results. Arrow keys choose, Enter opens."' in content
    assert counts[0] == counts[1]


def test_the_words_of_a_search_while_typing_need_the_form_s_token(desk: Desk) -> None:
    browser = desk.browser()
    browser.handler.enforce_csrf_checks = True
    assert browser.post(ADDRESS, {"q": "a"}).status_code == 403
