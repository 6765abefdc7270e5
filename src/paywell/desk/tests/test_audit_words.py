"""What the audit trail says of each thing that can stand in it: plain words, and none is forgotten."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest
from django.urls import get_resolver
from django.urls.converters import UUIDConverter

from paywell.accounts.models import Role
from paywell.accounts.types import StaffViewer
from paywell.billing.models import EntryKind
from paywell.care.models import ImportList
from paywell.desk.audit_words import ACTION_WORDS, PAGE_WORDS, audit_words, target_words
from paywell.desk.exports import EXPORTS
from paywell.desk.queries.audit import AuditFilter, list_audit
from paywell.desk.tests.factories import Desk
from paywell.desk.tests.test_roles import POST_ONLY

SOURCE = Path(__file__).parents[2]
_ACTION = re.compile(r"""(?:action=|(?<![\w.])(?:_?record|_tell)\((?:[^"'()]|\([^()]*\))*)"([a-z]+\.[a-z_]+)\"""")
BY_TWO = ("request", "approve", "decline")
#: Composed of a room, a verb and what it is done to.
COMPOSED = {
    *(f"billing.{verb}_{kind.value}" for verb, kind in product(("enter", "reverse"), EntryKind)),
    *(f"billing.{verb}_{what}" for verb, what in product(BY_TWO, ("pay_out", "take_back"))),
    *(f"payments.{verb}_refund" for verb in BY_TWO),
    *(f"work.{state}_work" for state in ("done", "failed", "canceled")),
    *(f"care.import_{each.value}" for each in ImportList),
    *(f"{name}.download" for name in EXPORTS),
    "agreements.hold", "agreements.go_on", "audit.seal", "payments.close_unpaid",
}  # fmt: skip
#: Pages of the portal that only lead on or only take a form.
NEVER_SEEN = {"payment_status", "payment_cancel", "return", "plan_accept", "autopay_hold", "autopay_end"} | {
    "card_rename", "card_default",
}  # fmt: skip


def find_actions() -> set[str]:
    texts = [path.read_text() for path in SOURCE.rglob("*.py") if "tests" not in path.parts]
    return {action for text in texts for action in _ACTION.findall(text)}


def test_every_action_of_the_trail_has_words_and_no_words_are_left_over() -> None:
    found = find_actions()
    assert {"invoicing.void_invoice", "clients.grant_access", "payments.revoke_pay_link"} <= found
    assert sorted((found | COMPOSED) - set(ACTION_WORDS)) == []
    assert sorted(set(ACTION_WORDS) - found - COMPOSED) == []


def test_every_page_that_shows_one_record_has_words() -> None:
    shown = {
        page.name
        for room in ("desk", "portal")
        for page in get_resolver().namespace_dict[room][1].url_patterns
        if any(type(each) is UUIDConverter for each in page.pattern.converters.values())
    }
    assert sorted(shown - set(PAGE_WORDS) - set(POST_ONLY) - NEVER_SEEN) == []


@pytest.mark.parametrize(
    ("action", "page", "words"),
    [
        ("invoicing.issue_invoice", "", "Issued an invoice"),
        ("billing.reverse_credit_used", "", "Un-applied credit"),
        ("desk.view", "client_ledger", "Looked at the ledger"),
        ("portal.view", "why", "Looked at why it is owed"),
        ("desk.view", "refund", "Looked at the form to refund a payment"),
        ("documents.view", "refund", "Looked at a refund's receipt"),
        ("desk.view", "of_an_old_version", "Looked at it"),
        ("room.of_an_old_version", "", "Of an old version"),
    ],
)
def test_an_event_is_told_in_plain_words(action: str, page: str, words: str) -> None:
    assert audit_words(action, page) == words


def test_what_it_is_about_is_called_as_on_the_screens() -> None:
    assert [target_words(kind) for kind in ("line", "attempt", "superbill", "pay_link")] == [
        "Service on an invoice", "Payment", "Superbill", "Pay link",
    ]  # fmt: skip


def test_a_name_stands_once_in_its_row(desk: Desk) -> None:
    viewer = StaffViewer(desk.members[Role.OWNER].user_id, desk.practice, Role.OWNER)
    row = next(
        row
        for row in list_audit(viewer, AuditFilter()).rows
        if row.event.action == "invoicing.issue_invoice" and row.name == "INV-0001"
    )
    assert (row.words, row.target, row.detail) == ("Issued an invoice", "Invoice", "")
