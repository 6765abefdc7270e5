"""Payers without a sign-in hear by a link, within what the client wants; the desk hears whom nothing reaches."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail

from paywell.accounts.models import Invitation, Role
from paywell.accounts.tests.factories import make_staff, make_user
from paywell.accounts.types import StaffViewer
from paywell.billing.entries import EntryForm, make_entry, reverse_entry
from paywell.billing.models import Entry, EntryKind, Method
from paywell.clients.models import Contact
from paywell.core import clock
from paywell.core.errors import NotAllowed, NotFoundForViewer
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.documents.access import access_link_receipt
from paywell.documents.tests.factories import NOON, Case, make_case
from paywell.invoicing.models import InvoiceLine
from paywell.invoicing.tests.factories import make_client, make_service
from paywell.ledger.models import LineBalance
from paywell.notifications.models import Delivery
from paywell.notifications.reminders import KIND
from paywell.notifications.tests.test_notifications import deliver, give_grant, make_event
from paywell.notifications.unreached import list_unreached, mark_told
from paywell.outbox.models import OutboxEvent
from paywell.payments.link_history import list_link_payments
from paywell.payments.models import Attempt, PayLink, ProcessorAccount
from paywell.payments.pay_links import access_pay_link, get_url, make_token
from paywell.practice.models import Practice

pytestmark = pytest.mark.django_db
ISSUED = "invoicing.invoice_issued"
NOTED = "bo@mail.example.org"


@pytest.fixture
def case() -> Case:
    """$120 are open; the one payer, Bo, has an address and no sign-in; online payments are on."""
    case = make_case(wording="Zebra session, 50 minutes")
    case.contact.user, case.contact.email = None, NOTED
    case.contact.save()
    give_grant(case, case.contact)
    Practice.objects.filter(pk=case.practice.pk).update(payments_allowed=True)
    ProcessorAccount.objects.filter(practice=case.practice).update(is_active=True)
    return case


def viewer(case: Case, role: Role = Role.OWNER) -> StaffViewer:
    return StaffViewer(id=make_staff(case.practice, role).user_id, practice=case.practice, role=role)


def tell(case: Case, kind: str) -> dict[str, str]:
    """Deliver it at noon; what the log says of each recipient."""
    event = make_event(case, kind)
    with clock.set_to(NOON):
        deliver(event)
    rows = Delivery.objects.filter(event_id=event.id)
    return {row.recipient_kind: row.skip_reason or ("sent" if row.sent_at else "open") for row in rows}


@pytest.mark.parametrize(("kind", "notice"), [(ISSUED, "invoice_link"), (KIND, "reminder_link")])
def test_a_payer_without_a_sign_in_gets_a_link_that_pays(case: Case, kind: str, notice: str) -> None:
    assert tell(case, kind) == {"contact": "sent"}
    [message] = mail.outbox
    assert message.to == [NOTED]
    assert get_url(PayLink.objects.get(invoice=case.invoice)) in message.body
    assert "Sign in" not in message.body
    for secret in ("Zebra", "Ana", "Duarte", "120", "140", "Nov", case.invoice.label):
        assert secret not in f"{message.subject} {message.body}"
    assert Delivery.objects.get().notice == notice


def test_told_again_it_is_the_same_link_and_no_second_e_mail(case: Case) -> None:
    event = make_event(case, ISSUED)
    with clock.set_to(NOON):
        deliver(event)
        deliver(event)
        tell(case, KIND)
    assert len(mail.outbox) == 2
    assert PayLink.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"wants_no_email": True}, "no_email_wanted"),
        ({"private_street": "PO Box 7"}, "confidential"),
    ],
)
@pytest.mark.parametrize("kind", [ISSUED, KIND])
def test_nothing_leaves_where_the_client_wants_no_e_mail_or_another_address(
    case: Case, change: dict[str, Any], reason: str, kind: str
) -> None:
    type(case.client).objects.filter(pk=case.client.pk).update(**change)
    assert tell(case, kind) == {"contact": reason, "account": "nobody"}
    assert (mail.outbox, PayLink.objects.count()) == ([], 0)


def test_without_an_address_the_log_says_so(case: Case) -> None:
    Contact.objects.update(email="")
    assert tell(case, KIND) == {"contact": "no_address", "account": "nobody"}


def test_nobody_at_all_is_told_to_the_desk(case: Case) -> None:
    case.contact.grants.update(withdrawn_at=NOON)
    assert tell(case, ISSUED) == {"account": "nobody"}


@pytest.mark.parametrize("closed", ["switch", "client", "processor", "others"])
def test_what_can_not_be_paid_by_a_link_is_no_reason_to_send_one(case: Case, closed: str) -> None:
    if closed == "switch":
        Practice.objects.update(payments_allowed=False)
    elif closed == "client":
        type(case.client).objects.update(payments_allowed=False)
    elif closed == "processor":
        ProcessorAccount.objects.update(is_active=False)
    else:
        other = make_client(case.practice, case.account)
        line = InvoiceLine.objects.get(invoice=case.invoice)
        line.pk, line.client, line.position = new_id(), other, 9
        line.service = make_service(other, clinician=case.service.clinician)
        InvoiceLine.objects.bulk_create([line])
    assert tell(case, KIND) == {"contact": "nothing_to_open", "account": "nobody"}
    assert (mail.outbox, PayLink.objects.count()) == ([], 0)


def test_whoever_is_invited_and_can_not_be_sent_a_link_gets_the_invitation_once_more(case: Case) -> None:
    Practice.objects.update(payments_allowed=False)
    case.contact.invitation = Invitation.objects.create(
        practice=case.practice, email=NOTED, subject_kind="contact", subject_id=case.contact.id,
        created_at=NOON, expires_at=NOON + timedelta(days=14),
    )  # fmt: skip
    case.contact.save()
    assert tell(case, KIND) == {"contact": "sent"}
    assert "/invitation" in mail.outbox[0].body
    Invitation.objects.update(withdrawn_at=NOON)
    assert tell(case, KIND) == {"contact": "nothing_to_open", "account": "nobody"}


def test_whoever_signs_in_is_told_to_sign_in_and_gets_no_link(case: Case) -> None:
    give_grant(case, make_signed_in(case))
    assert tell(case, KIND) == {"contact": "sent"}
    assert sorted(message.to[0] for message in mail.outbox) == [NOTED, "cy@mail.example.org"]
    assert ["/pay/" in message.body for message in sorted(mail.outbox, key=lambda one: one.to[0])] == [True, False]


def make_signed_in(case: Case) -> Contact:
    return Contact.objects.create(
        practice=case.practice, name="Cy", user=make_user(email="cy@mail.example.org"), created_at=NOON
    )


def test_an_unreached_account_stays_until_staff_told_it(case: Case) -> None:
    case.contact.grants.update(withdrawn_at=NOON)
    tell(case, ISSUED)
    with clock.set_to(NOON + timedelta(days=1)):
        deliver(make_event(case, KIND))
    owner = viewer(case)
    [entry] = list_unreached(owner)
    assert (entry.recipient_id, entry.notice) == (case.account.id, "reminder_after")
    assert mark_told(viewer=owner, delivery_ids=[entry.id]) == 1
    assert mark_told(viewer=owner, delivery_ids=[entry.id]) == 0
    assert list(list_unreached(owner)) == []
    entry.refresh_from_db()
    assert entry.seen_by_id == owner.id


def test_what_is_paid_meanwhile_waits_for_nobody(case: Case) -> None:
    case.contact.grants.update(withdrawn_at=NOON)
    tell(case, ISSUED)
    LineBalance.objects.update(balance_minor=0)
    assert list(list_unreached(viewer(case))) == []


def test_who_may_not_change_people_closes_nothing(case: Case) -> None:
    case.contact.grants.update(withdrawn_at=NOON)
    tell(case, ISSUED)
    ids = [Delivery.objects.get().id]
    with pytest.raises(NotAllowed):
        mark_told(viewer=viewer(case, Role.READ_ONLY), delivery_ids=ids)
    assert mark_told(viewer=viewer(make_case(), Role.OWNER), delivery_ids=ids) == 0
    assert Delivery.objects.get(pk=ids[0]).seen_at is None


def test_an_invoice_on_which_nothing_is_owed_asks_nobody_to_pay(case: Case) -> None:
    form = EntryForm(entry_id=new_id(), kind=EntryKind.PAYMENT, amount=Money(12_000), method=Method.CASH)
    with clock.set_to(NOON):
        make_entry(viewer=viewer(case), account=case.account, form=form)
    assert tell(case, ISSUED) == {}


PAID, BY_HAND = "payments.payment_succeeded", "billing.payment_recorded"
REFUNDED = "payments.refund_done"


def pay_by_link(case: Case) -> PayLink:
    """The case's payment as one by the link that Bo was sent."""
    with clock.set_to(NOON):
        link = PayLink.objects.create(
            practice=case.practice, invoice=case.invoice, made_at=NOON, expires_at=NOON + timedelta(days=30)
        )
    Attempt.objects.filter(pk=case.attempt.pk).update(channel="link", pay_link=link, contact=None)
    return link


def record_cash(case: Case, minor: int = 12_000) -> Entry:
    with clock.set_to(NOON):
        form = EntryForm(new_id(), EntryKind.PAYMENT, Money(minor), NOON.date(), method=Method.CASH)
        return make_entry(viewer=viewer(case), account=case.account, form=form)


def test_whoever_pays_by_a_link_hears_of_the_receipt_by_that_link(case: Case) -> None:
    link = pay_by_link(case)
    assert tell(case, PAID)["contact"] == "sent"
    [message] = [each for each in mail.outbox if each.to == [NOTED]]
    assert get_url(link) in message.body
    for secret in ("Zebra", "Ana", "Duarte", "120", "140", "20.00", "Nov", "4242", case.invoice.label):
        assert secret not in f"{message.subject} {message.body}"
    assert PayLink.objects.count() == 1


def test_whoever_paid_by_a_link_hears_that_money_went_back(case: Case) -> None:
    link = pay_by_link(case)
    assert tell(case, REFUNDED)["contact"] == "sent"
    [message] = [each for each in mail.outbox if each.to == [NOTED]]
    assert Delivery.objects.get(recipient_kind="contact").notice == "refund_link"
    assert "A refund was sent to the card that was used." in message.body
    assert get_url(link) in message.body
    for secret in ("Zebra", "Ana", "Duarte", "120", "140", "20.00", "Nov", "4242", case.invoice.label):
        assert secret not in f"{message.subject} {message.body}"
    assert PayLink.objects.count() == 1


def test_a_refund_after_the_link_is_over_comes_with_a_new_one(case: Case) -> None:
    link = pay_by_link(case)
    PayLink.objects.update(revoked_at=NOON)
    assert tell(case, REFUNDED)["contact"] == "sent"
    [message] = [each for each in mail.outbox if each.to == [NOTED]]
    new = PayLink.objects.get(revoked_at=None)
    assert get_url(new) in message.body
    assert get_url(link) not in message.body


def test_a_payer_with_a_sign_in_hears_of_the_refund_of_what_was_paid_by_link(case: Case) -> None:
    pay_by_link(case)
    Contact.objects.filter(pk=case.contact.pk).update(user=make_user(email="bo@example.org"))
    assert tell(case, REFUNDED) == {"contact": "sent"}
    [message] = mail.outbox
    assert (message.to, Delivery.objects.get().notice) == (["bo@example.org"], "refund_made")


def test_a_refund_of_a_payment_in_the_portal_goes_to_whoever_paid_alone(case: Case) -> None:
    assert tell(case, REFUNDED) == {}
    assert mail.outbox == []


def test_cash_is_acknowledged_by_a_link_also_where_nothing_is_owed_any_more(case: Case) -> None:
    entry = record_cash(case)
    with clock.set_to(NOON):
        deliver(OutboxEvent.objects.get(kind=BY_HAND))
    [message] = [each for each in mail.outbox if each.to == [NOTED]]
    link = PayLink.objects.get(invoice=case.invoice)
    assert get_url(link) in message.body
    with clock.set_to(NOON):
        paid = access_pay_link(make_token(link))
        [listed] = list_link_payments(paid)
        assert (listed.id, listed.amount, listed.method, listed.has_receipt) == (
            entry.id,
            Money(12_000),
            "Cash",
            True,
        )
        receipt = access_link_receipt(paid, entry.id)
    assert (receipt.amount_minor, receipt.addressee, receipt.payer) == (12_000, (), "")
    assert {(item.client, item.clinician, item.wording) for item in receipt.items} == {("", "", "")}


@pytest.mark.parametrize("change", [{"wants_no_email": True}, {"private_street": "PO Box 7"}])
def test_no_receipt_leaves_for_a_client_who_wants_none(case: Case, change: dict[str, Any]) -> None:
    pay_by_link(case)
    record_cash(case)
    type(case.client).objects.filter(pk=case.client.pk).update(**change)
    tell(case, PAID)
    with clock.set_to(NOON):
        deliver(OutboxEvent.objects.get(kind=BY_HAND))
    assert [each for each in mail.outbox if each.to == [NOTED]] == []


def test_a_payment_on_account_has_nothing_to_open_and_the_log_says_so(case: Case) -> None:
    record_cash(case)
    mail.outbox.clear()
    record_cash(case, 500)  # nothing is owed any more: credit
    with clock.set_to(NOON):
        deliver(OutboxEvent.objects.filter(kind=BY_HAND).order_by("-created_at", "-id")[0])
    assert mail.outbox == []


def test_a_link_shows_no_receipt_on_which_another_invoice_stands_nor_one_taken_back(case: Case) -> None:
    entry = record_cash(case)
    link = pay_by_link(case)
    with clock.set_to(NOON):
        paid = access_pay_link(make_token(link))
        elsewhere = replace(paid, line_ids=frozenset())
        with pytest.raises(NotFoundForViewer):
            access_link_receipt(elsewhere, entry.id)
        assert [each.id for each in list_link_payments(elsewhere)] == [case.attempt.id]
        reverse_entry(viewer=viewer(case), entry=entry, reason="Wrong account")
        with pytest.raises(NotFoundForViewer):
            access_link_receipt(paid, entry.id)
        assert [each.id for each in list_link_payments(paid)] == [case.attempt.id]
