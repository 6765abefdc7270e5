"""Who hears that staff issued a document, and what no e-mail can say."""

from __future__ import annotations

import inspect
import re
from datetime import date
from typing import Any

import pytest
from django.core import mail

from paywell.accounts.models import Role, User
from paywell.clients.models import Client, Grant, GrantRole
from paywell.core import clock
from paywell.documents.models import IssuedDocument
from paywell.documents.statements import issue_statement
from paywell.documents.tests.factories import NOON, Case, make_case, make_contact
from paywell.notifications import handlers, messages
from paywell.notifications.kinds import KINDS, PLACEHOLDERS
from paywell.notifications.recipients import get_document_readers
from paywell.notifications.tests.test_notifications import deliver, give_grant, make_staff
from paywell.outbox.models import OutboxEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def case() -> Case:
    case = make_case()
    give_grant(case, case.contact)
    return case


def issue(case: Case, actor: User | None, day: int = 1) -> IssuedDocument:
    with clock.set_to(NOON):
        return issue_statement(
            practice=case.practice, account=case.account, date_from=date(2026, 11, day), date_to=date(2026, 11, 23),
            actor_id=actor.id if actor else None,
        )  # fmt: skip


def told() -> list[str]:
    return list(OutboxEvent.objects.filter(kind="documents.document_issued").values_list("dedupe", flat=True))


def test_what_staff_issue_is_told_once_and_what_a_client_makes_is_not(case: Case) -> None:
    staff = make_staff(case, Role.BILLER)
    row = issue(case, staff)
    assert issue(case, staff) == row
    issue(case, case.contact.user, day=2)
    issue(case, None, day=3)
    assert told() == [f"document_issued:{row.id}"]
    deliver(OutboxEvent.objects.get(kind="documents.document_issued"))
    assert [message.to for message in mail.outbox] == [[case.contact.user.email]]
    assert "a new document is in your portal" in mail.outbox[0].subject
    assert mail.outbox[0].attachments == []


def test_only_who_may_open_the_document_hears_of_it(case: Case) -> None:
    row = issue(case, make_staff(case, Role.BILLER))
    other = Client.objects.create(
        practice=case.practice, legal_first_name="Bo", legal_last_name="Duarte", default_account=case.account,
        created_at=NOON,
    )  # fmt: skip
    row.of_clients.create(practice=case.practice, client=other)
    assert get_document_readers(row) == []
    Grant.objects.create(
        practice=case.practice, contact=case.contact, client=other, account=case.account, role=GrantRole.SELF,
        valid_from=date(2026, 1, 1), created_at=NOON,
    )  # fmt: skip
    assert [reader.id for reader in get_document_readers(row)] == [case.contact.id]


def test_a_superbill_is_told_to_those_with_both_rights_alone(case: Case) -> None:
    row = issue(case, None)
    row.kind, row.has_diagnosis = "superbill", True
    give_grant(case, make_contact(case.practice, "Pat"), may_see_documents=True)
    reader = make_contact(case.practice, "Rae")
    give_grant(case, reader, may_see_documents=True, may_see_diagnosis=True)
    assert [one.id for one in get_document_readers(row)] == [reader.id]


def test_no_text_of_an_e_mail_has_a_place_for_more_than_practice_link_days_and_phone() -> None:
    """Every standard text: a placeholder that is not here could carry anything."""
    found: set[str] = set()
    for kind in KINDS.values():
        found |= set(re.findall(r"\{(\w*)\}", f"{kind.subject} {kind.body}"))
    assert found == {"practice", "days", "phone", "link"} == set(PLACEHOLDERS)
    assert len(KINDS) == 20


def test_no_message_is_given_an_amount_a_diagnosis_or_a_document() -> None:
    """What a message may be made of: the practice, an invitation, links. Neither money nor a document."""
    made = [
        one for _, one in inspect.getmembers(messages, inspect.isfunction) if one.__module__ == messages.__name__
    ]
    kinds: dict[str, Any] = {}
    for function in made:
        for name, parameter in inspect.signature(function).parameters.items():
            kinds[f"{function.__name__}.{name}"] = str(parameter.annotation)
    allowed = {"Practice", "Invitation", "Sequence[PayLink]", "str", "int"}
    assert {key: kind for key, kind in kinds.items() if kind not in allowed} == {}
    assert len(made) > 10


def test_no_handler_attaches_a_file() -> None:
    for module in (handlers, messages, __import__("paywell.notifications.send", fromlist=["send"])):
        assert "attach" not in inspect.getsource(module)
