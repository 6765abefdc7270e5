"""E-mails: to the right people, once, and with nothing in them that an open screen must not show."""

from __future__ import annotations

import logging
import re
from datetime import date, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend

from paywell.accounts.models import Invitation, Role, StaffMember, User
from paywell.clients.models import Contact, Grant, GrantRole
from paywell.core import clock
from paywell.core.ids import new_id
from paywell.documents.statements import issue_statement
from paywell.documents.tests.factories import NOON, Case, make_case, make_contact, make_staff_viewer
from paywell.notifications.eml_backend import EmailBackend
from paywell.notifications.handlers import HANDLERS
from paywell.notifications.kinds import KINDS
from paywell.notifications.models import Delivery
from paywell.notifications.reminders import KIND
from paywell.notifications.send import NotDelivered
from paywell.notifications.texts import set_text
from paywell.outbox import handlers
from paywell.outbox.delivery import deliver_due
from paywell.outbox.models import OutboxEvent
from paywell.payments.models import Channel, PayLink, Refund, RefundState, Review
from paywell.payments.pay_links import make_token

pytestmark = pytest.mark.django_db

#: Nothing of this may stand in any e-mail, in whatever header.
SECRETS = ("Zebra", "Ana", "Duarte", "Reyes", "F41.1", "anxiety", "140", "20.00", "2,000", "IND50", "Nov", "4242")

EVENTS = [*HANDLERS, KIND]


@pytest.fixture
def case() -> Case:
    case = make_case(wording="Zebra session, 50 minutes")
    case.practice.discreet_label = "WC Office"
    case.practice.save()
    case.client.clinician = case.service.clinician
    case.client.save()
    give_grant(case, case.contact)
    return case


def give_grant(case: Case, contact: Contact, **fields: Any) -> Grant:
    values = {"valid_from": date(2026, 1, 1), "role": GrantRole.SELF, "created_at": NOON}
    return Grant.objects.create(
        practice=case.practice, contact=contact, client=case.client, account=case.account, **{**values, **fields}
    )


def make_staff(case: Case, role: Role, **fields: Any) -> User:
    user = User.objects.create_user(f"{role}-{new_id().hex[-6:]}@desk.example.org")
    StaffMember.objects.create(practice=case.practice, user=user, role=role, **fields)
    return user


def make_event(case: Case, kind: str) -> OutboxEvent:
    """An event of the kind, with all the rows that it speaks of."""
    payload: dict[str, str] = {}
    if kind == "accounts.invitation_created":
        invitation = Invitation.objects.create(
            practice=case.practice,
            email="new@mail.example.org",
            subject_kind="contact",
            subject_id=case.contact.id,
            created_at=clock.now(),
            expires_at=clock.now() + timedelta(days=14),
        )
        payload = {"invitation_id": str(invitation.id)}
    elif kind == "invoicing.invoice_issued":
        payload = {"invoice_id": str(case.invoice.id), "account_id": str(case.account.id)}
    elif kind == KIND:
        due_on = case.invoice.due_on
        payload = {"account_id": str(case.account.id), "due_on": due_on.isoformat(), "when": "after"}
    elif kind == "documents.document_issued":
        staff = make_staff(case, Role.READ_ONLY)
        row = issue_statement(
            practice=case.practice, account=case.account, date_from=date(2026, 1, 1), date_to=date(2026, 11, 20),
            actor_id=staff.id,
        )  # fmt: skip
        payload = {"document_id": str(row.id)}
    elif kind == "payments.pay_links_sent":
        link = make_link(case)
        payload = {"contact_id": str(case.contact.id), "link_ids": str(link.id)}
    elif kind == "payments.review_opened":
        review = Review.objects.create(
            practice=case.practice,
            attempt=case.attempt,
            kind="late_success",
            dedupe=new_id().hex,
            amount_minor=2_000,
            currency="USD",
            detail="Zebra",
            opened_at=NOON,
        )
        payload = {"review_id": str(review.id)}
    else:
        refund = Refund.objects.create(
            practice=case.practice,
            attempt=case.attempt,
            state=RefundState.DONE,
            amount_minor=2_000,
            currency="USD",
            created_at=NOON,
        )
        payload = {"attempt_id": str(case.attempt.id), "refund_id": str(refund.id)}
    return OutboxEvent.objects.create(
        practice_id=case.practice.id, kind=kind, dedupe=new_id().hex, payload=payload, created_at=NOON,
        next_try_at=NOON,
    )  # fmt: skip


def write_everywhere(case: Case) -> None:
    """A text of the practice's own for every kind, with all that can stand in it."""
    owner = make_staff(case, Role.OWNER, ended_at=NOON)
    viewer = make_staff_viewer(case.practice, id=owner.id)
    for kind in KINDS.values():
        subject = "{practice}: own news" + (" {days}" if kind.has_days else "")
        body = "Own words\n\n" + " ".join(f"{{{name}}}" for name in kind.placeholders)
        set_text(viewer=viewer, kind=kind, subject=subject, body=body)


def make_link(case: Case) -> PayLink:
    now = clock.now()
    return PayLink.objects.create(
        practice=case.practice, invoice=case.invoice, made_at=now, expires_at=now + timedelta(days=30)
    )


def deliver(event: OutboxEvent) -> None:
    for handler in handlers.get_handlers(event.kind):
        handler(event)


def receivers() -> list[str]:
    return sorted(message.to[0] for message in mail.outbox)


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("kind", EVENTS)
def test_no_email_holds_an_amount_a_name_a_wording_or_a_diagnosis(kind: str, own: bool, case: Case) -> None:
    """Whatever the practice wrote in place of the standard texts, with every placeholder in it."""
    make_staff(case, Role.OWNER)
    if own:
        write_everywhere(case)
    deliver(make_event(case, kind))
    assert mail.outbox
    for message in mail.outbox:
        headers = [
            f"{key}: {value}" for key, value in message.message().items() if key not in ("Date", "Message-ID")
        ]
        everything = " ".join([*headers, message.body])
        # The address itself, the practice's phone and the link's token are not chosen by us.
        everything = re.sub(r"/(invitation|pay)/\S+", "", everything)
        everything = everything.replace(message.to[0], "").replace("(503) 555-0142", "")
        for secret in SECRETS:
            assert secret not in everything
        assert "$" not in everything
        assert "Willow Creek" not in everything
        assert message.subject.startswith("WC Office: ")
        assert "http://testserver/" in message.body
        assert ("Own words" in message.body) is own


@pytest.mark.parametrize("kind", EVENTS)
def test_f67_an_event_delivered_twice_mails_once(kind: str, case: Case) -> None:
    make_staff(case, Role.OWNER)
    event = make_event(case, kind)
    deliver(event)
    first = receivers()
    deliver(event)
    assert receivers() == first
    assert Delivery.objects.filter(event_id=event.id, sent_at__isnull=False).count() == len(first)


def test_a_payment_tells_the_payer_the_assigned_clinician_and_the_owner(case: Case) -> None:
    owner = make_staff(case, Role.OWNER)
    clinician = make_staff(case, Role.CLINICIAN, clinician=case.service.clinician)
    make_staff(case, Role.BILLER)
    make_staff(case, Role.OWNER, ended_at=NOON)
    deliver(make_event(case, "payments.payment_succeeded"))
    assert receivers() == sorted([case.contact.user.email, owner.email, clinician.email])


def test_a_payment_that_staff_took_is_no_news_to_staff(case: Case) -> None:
    make_staff(case, Role.OWNER)
    case.attempt.channel = Channel.STAFF
    case.attempt.save()
    deliver(make_event(case, "payments.payment_succeeded"))
    assert receivers() == [case.contact.user.email]


def test_a_declined_payment_mails_nobody() -> None:
    assert handlers.get_handlers("payments.payment_declined") == ()


def test_a_client_who_wants_no_email_gets_none_and_the_log_says_so(case: Case) -> None:
    case.client.wants_no_email = True
    case.client.save()
    for kind in EVENTS:
        deliver(make_event(case, kind))
    assert mail.outbox == []
    skipped = Delivery.objects.filter(skipped_at__isnull=False, sent_at=None, skip_reason="no_email_wanted")
    assert skipped.count() == len(EVENTS) - 1  # a review is for staff alone


def test_an_invoice_is_told_to_those_with_a_grant_today_alone(case: Case) -> None:
    for fields in ({"valid_until": date(2026, 3, 1)}, {"valid_from": date(2027, 1, 1)}, {"withdrawn_at": NOON}):
        give_grant(case, make_contact(case.practice, "Other"), **fields)
    with clock.set_to(NOON):
        deliver(make_event(case, "invoicing.invoice_issued"))
    assert receivers() == [case.contact.user.email]


def test_a_withdrawn_invitation_is_not_mailed(case: Case) -> None:
    event = make_event(case, "accounts.invitation_created")
    Invitation.objects.update(withdrawn_at=NOON)
    deliver(event)
    assert mail.outbox == []


def test_message_id_is_the_same_for_the_same_event_and_differs_by_recipient(case: Case) -> None:
    make_staff(case, Role.OWNER)
    event = make_event(case, "payments.payment_succeeded")
    deliver(event)
    ids = {message.extra_headers["Message-ID"] for message in mail.outbox}
    Delivery.objects.all().delete()
    mail.outbox.clear()
    deliver(event)
    assert {message.extra_headers["Message-ID"] for message in mail.outbox} == ids
    assert len(ids) == 2
    assert all(one.endswith("@testserver>") for one in ids)


class BrokenBackend(BaseEmailBackend):
    """Refuses every address that holds `refuse`, as a mail server would."""

    refuse = "@"

    def send_messages(self, email_messages: Any) -> int:
        for message in email_messages:
            if self.refuse in message.to[0]:
                raise ConnectionRefusedError(f"no route for {message.to[0]}")
            mail.outbox.append(message)
        return len(email_messages)


def test_f68_a_mail_server_that_fails_is_logged_and_tried_again(
    case: Case, settings: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = make_staff(case, Role.OWNER)
    event = make_event(case, "payments.payment_succeeded")
    sending = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = f"{__name__}.BrokenBackend"
    monkeypatch.setattr(BrokenBackend, "refuse", "@mail.example.org")
    with caplog.at_level(logging.WARNING), pytest.raises(NotDelivered):
        deliver(event)
    assert receivers() == [owner.email]
    failed = Delivery.objects.get(event_id=event.id, sent_at=None, skipped_at=None)
    assert (failed.error, failed.tries) == ("ConnectionRefusedError", 1)
    assert "ConnectionRefusedError" in caplog.text
    assert case.contact.user.email not in caplog.text + failed.error
    settings.EMAIL_BACKEND = sending
    deliver(event)
    assert receivers() == sorted([owner.email, case.contact.user.email])
    failed.refresh_from_db()
    assert (failed.error, failed.tries) == ("", 2)


def test_the_outbox_delivers_again_after_a_pause_until_the_mail_server_is_back(case: Case, settings: Any) -> None:
    OutboxEvent.objects.all().delete()
    event = make_event(case, "invoicing.invoice_issued")
    sending = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = f"{__name__}.BrokenBackend"
    with clock.set_to(NOON):
        assert deliver_due() == 0
        settings.EMAIL_BACKEND = sending
        assert deliver_due() == 0
    event.refresh_from_db()
    assert (event.tries, event.last_error, event.delivered_at) == (1, "NotDelivered", None)
    with clock.set_to(NOON + timedelta(minutes=2)):
        assert deliver_due() == 1
    assert receivers() == [case.contact.user.email]


def test_f67_what_a_dead_sender_left_is_skipped_once_there_is_nothing_to_tell_any_more(case: Case) -> None:
    """Found by the fault simulation: the invoice was voided between the sender's death and the next try."""
    event = make_event(case, "invoicing.invoice_issued")
    Delivery.objects.create(
        practice=case.practice, event_id=event.id, kind=event.kind, recipient_kind="contact",
        recipient_id=case.contact.id, message_id="<1@testserver>", created_at=clock.now(), lease_until=clock.now(),
    )  # fmt: skip
    event.tries = 2
    case.invoice.voided_at = clock.now()
    case.invoice.save(update_fields=["voided_at"])
    deliver(event)
    assert mail.outbox == []
    delivery = Delivery.objects.get()
    assert delivery.skipped_at is not None
    assert delivery.sent_at is None


def test_f67_while_one_worker_sends_another_does_not(case: Case) -> None:
    event = make_event(case, "invoicing.invoice_issued")
    deliver(event)
    Delivery.objects.update(sent_at=None, lease_until=clock.now() + timedelta(minutes=1))
    mail.outbox.clear()
    with pytest.raises(NotDelivered):
        deliver(event)
    assert mail.outbox == []


def test_a_name_with_line_breaks_adds_no_header(case: Case) -> None:
    case.practice.discreet_label = "WC\r\nBcc: x@e.org"
    case.practice.save()
    deliver(make_event(case, "invoicing.invoice_issued"))
    assert mail.outbox[0].message()["Bcc"] is None
    assert mail.outbox[0].recipients() == [case.contact.user.email]


def test_the_demo_writes_one_eml_file_for_each_email(tmp_path: Path, settings: Any, case: Case) -> None:
    settings.EMAIL_BACKEND = f"{EmailBackend.__module__}.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "emails"
    deliver(make_event(case, "invoicing.invoice_issued"))
    (file,) = (tmp_path / "emails").iterdir()
    assert file.suffix == ".eml"
    assert message_from_bytes(file.read_bytes())["Subject"] == "WC Office: a new document is in your portal"


def test_a_pay_link_that_was_revoked_before_the_mail_left_is_not_sent(case: Case) -> None:
    event = make_event(case, "payments.pay_links_sent")
    PayLink.objects.update(revoked_at=clock.now())
    deliver(event)
    assert mail.outbox == []


def test_a_pay_link_reaches_a_contact_without_a_sign_in(case: Case) -> None:
    case.contact.user, case.contact.email = None, "ana@mail.example.org"
    case.contact.save()
    deliver(make_event(case, "payments.pay_links_sent"))
    assert receivers() == ["ana@mail.example.org"]
    assert f"/pay/{make_token(PayLink.objects.get())}/" in mail.outbox[0].body
