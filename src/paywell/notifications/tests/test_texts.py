"""Own texts: what is kept, what is refused and in which words, and that an e-mail never carries a refused one."""

from __future__ import annotations

import pytest
from django.core import mail

from paywell.accounts.models import Role
from paywell.accounts.tests.factories import make_staff as make_member
from paywell.accounts.types import StaffViewer
from paywell.audit.models import AuditEvent
from paywell.care.actions import add_catalog_item
from paywell.core.errors import NotAllowed, UserError
from paywell.core.money import Money
from paywell.documents.tests.factories import Case, make_case
from paywell.notifications.kinds import KINDS
from paywell.notifications.models import NoticeText
from paywell.notifications.tests.test_notifications import deliver, give_grant, make_event
from paywell.notifications.texts import compose, restore_text, set_text

pytestmark = pytest.mark.django_db
KIND = KINDS["invoice_issued"]
AFTER = KINDS["reminder_after"]


@pytest.fixture
def case() -> Case:
    case = make_case()
    give_grant(case, case.contact)
    return case


def staff(case: Case, role: Role = Role.OWNER) -> StaffViewer:
    return StaffViewer(id=make_member(case.practice, role).user_id, practice=case.practice, role=role)


def test_an_own_text_is_what_leaves_and_restoring_brings_the_standard_back(case: Case) -> None:
    viewer = staff(case)
    set_text(
        viewer=viewer, kind=KIND, subject=" News from {practice} ", body="Hi.\r\n\r\nLook: {link}\r\n\r\n{phone}"
    )
    kept = NoticeText.objects.get()
    assert (kept.subject, kept.body) == ("News from {practice}", "Hi.\n\nLook: {link}\n\n{phone}")
    assert kept.changed_by_id == viewer.id
    deliver(make_event(case, "invoicing.invoice_issued"))
    assert mail.outbox[0].subject == "News from Willow Creek Therapy"
    assert mail.outbox[0].body == "Hi.\n\nLook: http://testserver/\n\n(503) 555-0142\n"
    restore_text(viewer=viewer, kind=KIND)
    restore_text(viewer=viewer, kind=KIND)
    assert compose(case.practice, KIND.key, link="L").subject == (
        "Willow Creek Therapy: a new document is in your portal"
    )
    actions = AuditEvent.objects.filter(action__startswith="notifications.").order_by("at", "id")
    assert [(one.action, one.detail) for one in actions] == [
        ("notifications.set_text", {"notice": "invoice_issued"}),
        ("notifications.restore_text", {"notice": "invoice_issued"}),
    ]


def test_a_paragraph_with_the_phone_is_left_out_where_there_is_none(case: Case) -> None:
    case.practice.phone = ""
    assert compose(case.practice, "invoice_issued", link="L").body == (
        "Hello,\n\nA new document is in your portal. Sign in to read it.\n\nL\n\nWillow Creek Therapy\n"
    )


@pytest.mark.parametrize(
    ("subject", "body", "code", "words"),
    [
        (
            "News",
            "{link} {client}",
            "unknown_placeholder",
            "{client} can't stand here. What can: {practice}, {link}, ",
        ),
        ("News", "{link} {days}", "unknown_placeholder", "{days} can't stand here."),
        ("{link}", "{link}", "unknown_placeholder", "What can: {practice}."),
        ("News", "{link} {practice", "stray_brace", "A brace stands alone."),
        ("News", "{link} {{practice}}", "stray_brace", "A brace stands alone."),
        ("News", "Sign in.", "link_missing", "Put {link} into the text"),
        ("News\nBcc: x@example.org", "{link}", "subject_lines", "The subject is one line."),
        ("News\r\n X: y", "{link}", "subject_lines", "The subject is one line."),
        ("News\u2028Bcc: x", "{link}", "subject_lines", "The subject is one line."),
        ("", "{link}", "subject_missing", "Write something"),
        ("News", "", "body_missing", "Write something"),
        ("x" * 101, "{link}", "subject_too_long", "Use at most 100 characters."),
        ("News", "{link}" + "x" * 2000, "body_too_long", "Use at most 2000 characters."),
        ("About F41.1", "{link}", "code", "“F41.1” reads as the code of a diagnosis"),
        ("News", "{link} for f411", "code", "“f411” reads as the code"),
        ("News", "{link} for Ｆ４１．１", "code", "“F41.1” reads as the code"),
        ("News", "{link} for H0004", "code", "“H0004” reads as the code"),
        ("News", "{link} 296.32", "code", "“296.32” reads as the code"),
        ("News", "{link} 12345", "code", "“12345” reads as the code"),
        ("You owe $140", "{link}", "amount", "Leave amounts of money out."),
        ("News", "{link} 140.00 is open", "amount", "Leave amounts of money out."),
        ("News", "{link} 1,400 is open", "amount", "Leave amounts of money out."),
        ("News", "{link} €20", "amount", "Leave amounts of money out."),
        ("News", "{link} twenty dollars", "amount", "Leave amounts of money out."),
        ("News", "{link} your therapist", "care", "“therapist” tells of care."),
        ("News", "{link} Anxiety", "care", "“Anxiety” tells of care."),
        ("News", "{link} the zebra  HOUR", "wording", "“Zebra hour” stands in the catalogue."),
        ("News", "{link} https://example.org/?dx=1", "address", "Type no address."),
        ("News", "{link} a\u202eb", "invisible", "characters that can't be seen"),
        ("News", "{link} F4\u200b1.1", "invisible", "characters that can't be seen"),
    ],
)
def test_a_text_that_could_tell_too_much_is_refused_with_words(
    case: Case, subject: str, body: str, code: str, words: str
) -> None:
    viewer = staff(case)
    add_catalog_item(practice=case.practice, code="ZB1", wording="Zebra hour", fee=Money(5_000), actor_id=None)
    before = AuditEvent.objects.count()
    with pytest.raises(UserError) as refused:
        set_text(viewer=viewer, kind=KIND, subject=subject, body=body)
    assert refused.value.code == code
    assert words in refused.value.message
    assert refused.value.field in ("subject", "body")
    assert not NoticeText.objects.exists()
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_the_standard_texts_would_be_accepted_and_are_not_kept_as_own_ones(case: Case, kind: object) -> None:
    assert kind in KINDS.values()
    set_text(viewer=staff(case), kind=kind, subject=str(kind.subject), body=kind.body)  # type: ignore[attr-defined,arg-type]
    assert not NoticeText.objects.exists()


def test_ordinary_words_pass(case: Case) -> None:
    body = "Hi,\n\n3 days, 24/7, 9:30, call (503) 555-0142 ext. 12.\n\n{link}\n\nIt was due {days} days ago."
    assert set_text(viewer=staff(case), kind=AFTER, subject="{days} days", body=body).body == body
    assert compose(case.practice, AFTER.key, link="L", days=4).subject == "4 days"


def test_a_kept_text_that_would_be_refused_is_not_sent(case: Case) -> None:
    """However it came into the database: the standard text leaves instead."""
    set_text(viewer=staff(case), kind=KIND, subject="News", body="{link}")
    NoticeText.objects.update(body="F41.1 {link}")
    deliver(make_event(case, "invoicing.invoice_issued"))
    assert "F41.1" not in mail.outbox[0].body
    assert "A new document is in your portal." in mail.outbox[0].body


def test_a_value_that_looks_like_a_placeholder_stays_as_it_is(case: Case) -> None:
    case.practice.discreet_label = "{link}"
    case.practice.save()
    assert compose(case.practice, KIND.key, link="L").body.endswith("\n\n{link}\n")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OWNER])
def test_only_who_changes_settings_changes_a_text(case: Case, role: Role) -> None:
    viewer = staff(case, role)
    with pytest.raises(NotAllowed):
        set_text(viewer=viewer, kind=KIND, subject="News", body="{link}")
    with pytest.raises(NotAllowed):
        restore_text(viewer=viewer, kind=KIND)
    assert not NoticeText.objects.exists()


def test_a_text_is_the_practices_own(case: Case) -> None:
    set_text(viewer=staff(case), kind=KIND, subject="News", body="{link}")
    other = make_case()
    assert compose(other.practice, KIND.key, link="L").subject.endswith(": a new document is in your portal")
