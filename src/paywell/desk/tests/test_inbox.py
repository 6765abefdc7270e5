"""The inbox is emptied by doing: each entry leads to the act that closes it, and the rail counts what is left."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.urls import reverse

from paywell.accounts.models import Role
from paywell.agreements.models import Agreement
from paywell.billing.invoice_runs import INVOICES
from paywell.billing.models import BillingRules, Entry, TakeBackRequest
from paywell.care.models import Service
from paywell.core import clock
from paywell.core.backup_news import TriedOut, note_failed, note_made, note_tried_out
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.desk.queries.waiting import count_waiting
from paywell.desk.tests.factories import Desk
from paywell.documents.models import IssuedClient, IssuedDocument
from paywell.invoicing.actions import issue_invoice, void_invoice
from paywell.invoicing.models import Invoice
from paywell.invoicing.tests.factories import make_service
from paywell.notifications.models import Delivery
from paywell.payments import processor_accounts
from paywell.payments.models import Refund, RefundRequest
from paywell.payments.tests.fake_processor import Charge, FakeProcessor
from paywell.work.models import ItemState, Work, WorkItem, WorkState


def url(name: str, *ids: Any) -> str:
    return reverse(f"desk:{name}", args=ids)


def counted(desk: Desk, role: Role = Role.OWNER) -> str:
    text = desk.browser(role).get(url("clients")).content.decode()
    return text.partition('class="count">')[2].partition("<")[0]


def test_each_entry_is_closed_by_its_own_act(desk: Desk) -> None:
    browser = desk.browser()
    text = browser.get(url("inbox")).content.decode()
    for words in (
        "A refund to approve",
        "A pay-out of credit",
        "A payment to take back",
        "asks about a balance",
        "The bank declined it.",
        "Came in by itself",
    ):
        assert words in text
    assert counted(desk) == "7"
    browser.post(url("payments_seen"), {"payment": str(desk.attempt.id)})
    assert counted(desk) == "6"
    browser.post(url("charge_seen", desk.charge.id))
    assert counted(desk) == "5"
    browser.post(url("question_answer", desk.question.id), {"answer": "Yes."})
    assert counted(desk) == "4"
    browser.post(url("refund_request", desk.request.id), {"decision": "decline"})
    assert counted(desk) == "3"
    browser.post(url("pay_out", desk.pay_out.id), {"decision": "decline"})
    assert counted(desk) == "2"
    browser.post(url("take_back", desk.take_back.id), {"decision": "decline"})
    assert counted(desk) == "1"
    browser.post(url("review_close", desk.review.id), {"reason": "Looked at it"})
    assert counted(desk) == ""


def test_who_can_do_nothing_about_it_is_not_counted_for(desk: Desk) -> None:
    assert counted(desk, Role.READ_ONLY) == ""
    assert counted(desk, Role.FRONT_DESK) == "3"


def test_an_e_mail_that_does_not_arrive_leads_to_the_address(desk: Desk) -> None:
    Delivery.objects.create(
        practice=desk.practice, event_id=new_id(), kind="x", recipient_kind="contact", recipient_id=desk.contact.id,
        message_id="<x>", created_at=clock.now(), tries=3, error="SMTPRecipientsRefused",
    )  # fmt: skip
    text = desk.browser().get(url("inbox")).content.decode()
    assert "An e-mail to Ana Duarte does not arrive" in text
    assert url("client_people", desk.client.id) in text
    assert "An e-mail to" not in desk.browser(Role.FRONT_DESK).get(url("inbox")).content.decode()


def test_e_mails_that_do_not_arrive_are_one_entry_for_each_person_and_leave_when_they_are_told(desk: Desk) -> None:
    before, browser = int(counted(desk)), desk.browser()
    people = [("contact", desk.contact.id)] * 2 + [("user", desk.members[Role.OWNER].user_id)]
    for kind, one in people:
        Delivery.objects.create(
            practice=desk.practice, event_id=new_id(), kind="x", recipient_kind=kind, recipient_id=one,
            message_id="<x>", created_at=clock.now(), tries=3, error="SMTPRecipientsRefused",
        )  # fmt: skip
    text = browser.get(url("inbox")).content.decode()
    assert text.count("does not arrive") == 2
    assert f"An e-mail to {desk.members[Role.OWNER].user.get_full_name()} does not arrive" in text
    assert url("staff") in text.partition("<main")[2]
    assert counted(desk) == str(before + 2)
    told = [str(row.id) for row in Delivery.objects.filter(recipient_id=desk.contact.id)]
    front = desk.browser(Role.FRONT_DESK)
    assert front.post(url("unreached_told"), {"delivery": told}).status_code == 404
    assert counted(desk) == str(before + 2)
    browser.post(url("unreached_told"), {"delivery": told})
    assert counted(desk) == str(before + 1)
    assert "An e-mail to Ana Duarte" not in browser.get(url("inbox")).content.decode()
    # It goes on being tried: nothing else of the rows has changed.
    assert set(Delivery.objects.values_list("sent_at", "skipped_at", "tries")) == {(None, None, 3)}


def test_a_charge_that_was_not_made_leads_to_what_the_payer_agreed_to(desk: Desk) -> None:
    text = desk.browser().get(url("inbox")).content.decode()
    assert url("client_agreements", desk.client.id) in text


def test_an_account_that_no_e_mail_reaches_stays_until_somebody_says_that_they_told_them(desk: Desk) -> None:
    entry = Delivery.objects.create(
        practice=desk.practice, event_id=new_id(), kind="x", notice="invoice_issued", recipient_kind="account",
        recipient_id=desk.client.default_account_id, message_id="<x>", created_at=clock.now(),
        skipped_at=clock.now(), skip_reason="nobody",
    )  # fmt: skip
    before = counted(desk)
    browser = desk.browser()
    text = browser.get(url("inbox")).content.decode()
    assert "No e-mail reaches them" in text
    assert "New invoice or document" in text
    assert "No e-mail reaches them" not in desk.browser(Role.CLINICIAN).get(url("inbox")).content.decode()
    browser.post(url("unreached_told"), {"delivery": "no id"})
    assert counted(desk) == before
    browser.post(url("unreached_told"), {"delivery": str(entry.id)})
    assert counted(desk) == str(int(before) - 1)
    assert "No e-mail reaches them" not in browser.get(url("inbox")).content.decode()


def test_a_large_refund_is_asked_for_by_one_and_sent_by_another(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeProcessor()
    paid = Money(7_000)
    fake.charges[desk.attempt.reference] = Charge(
        desk.attempt.processor_ref, desk.attempt.reference, paid, status="paid", captured=paid
    )
    monkeypatch.setattr(processor_accounts, "make_processor", lambda account: fake)
    BillingRules.objects.create(practice=desk.practice, approve_refunds_above_minor=1_000)
    RefundRequest.objects.all().delete()
    page = url("refund", desk.attempt.id)
    body = {"amount": "20.00", "reason": "Session canceled"}
    biller, owner = desk.browser(Role.BILLER), desk.browser()
    assert "Ask for approval" in biller.post(page, body).content.decode()
    said = body | {"step": "refund", "left": "70.00", "refund": str(new_id())}
    assert "Nothing was sent" in biller.post(page, said, follow=True).content.decode()
    wanted = RefundRequest.objects.get()
    decide = url("refund_request", wanted.id)
    assert "somebody else has to approve" in biller.get(decide).content.decode()
    assert "Somebody else" in biller.post(decide, {"decision": "approve"}, follow=True).content.decode()
    assert Refund.objects.count() == 0
    assert fake.calls == []
    assert "Waits for a second person" in biller.get(url("payment", desk.attempt.id)).content.decode()
    owner.post(decide, {"decision": "approve"})
    refund = Refund.objects.get()
    assert (refund.id, refund.amount_minor, refund.actor_id) == (wanted.id, 2_000, desk.members[Role.OWNER].user_id)
    assert fake.calls.count("refund") == 1
    paid_page = owner.get(url("payment", desk.attempt.id)).content.decode()
    assert "Waits for a second person" not in paid_page
    names = [desk.members[role].user.get_full_name() for role in (Role.BILLER, Role.OWNER)]
    assert f"{names[0]} asked, {names[1]} approved" in paid_page
    after = owner.get(decide).content.decode()
    assert "It was approved." in after
    assert "Approve and refund" not in after
    assert "Nothing was sent yet" not in after


def test_a_large_pay_out_of_credit_is_asked_for_by_one_and_entered_by_another(desk: Desk) -> None:
    BillingRules.objects.create(practice=desk.practice, approve_refunds_above_minor=300)
    biller, owner = desk.browser(Role.BILLER), desk.browser()
    page = url("credit_pay_out", desk.client.id)
    assert "Above $3.00 within thirty days" in biller.get(page).content.decode()
    said = {"entry_id": str(new_id()), "amount": "4.00", "method": "cash", "on": "2026-11-20", "reason": "Moved"}
    for _ in range(2):
        decide = biller.post(page, said)["Location"]
    assert decide == url("pay_out", said["entry_id"])
    assert counted(desk, Role.BILLER) == counted(desk)
    assert "A pay-out of credit to approve" in owner.get(url("inbox")).content.decode()
    assert "somebody else has to approve" in biller.get(decide).content.decode()
    assert "Somebody else" in biller.post(decide, {"decision": "approve"}, follow=True).content.decode()
    mine = Entry.objects.filter(kind="credit_out")
    assert not mine.exists()
    for _ in range(2):
        owner.post(decide, {"decision": "approve"})
    entry = mine.get()
    assert (str(entry.id), entry.amount_minor, entry.actor_id) == (
        said["entry_id"], 400, desk.members[Role.OWNER].user_id,
    )  # fmt: skip
    after = owner.get(decide).content.decode()
    assert "It was approved." in after
    assert 'name="decision"' not in after


def test_a_large_payment_by_hand_is_taken_back_by_two_people(desk: Desk) -> None:
    BillingRules.objects.create(practice=desk.practice, approve_refunds_above_minor=300)
    TakeBackRequest.objects.all().delete()
    biller, owner = desk.browser(Role.BILLER), desk.browser()
    page = url("entry_reverse", desk.entry.id)
    assert "Payments above $3.00 are taken back by two people" in biller.get(page).content.decode()
    for _ in range(2):
        decide = biller.post(page, {"reason": "The check bounced"})["Location"]
    wanted = TakeBackRequest.objects.get()
    assert decide == url("take_back", wanted.id)
    assert "A payment to take back" in owner.get(url("inbox")).content.decode()
    assert "You can withdraw it." in biller.get(decide).content.decode()
    assert "Somebody else" in biller.post(decide, {"decision": "approve"}, follow=True).content.decode()
    assert Entry.objects.get(pk=desk.entry.pk).reversed_at is None
    for _ in range(2):
        owner.post(decide, {"decision": "approve"})
    entry = Entry.objects.get(pk=desk.entry.pk)
    assert (entry.reversed_by_id, entry.reverse_reason) == (
        desk.members[Role.OWNER].user_id, "The check bounced",
    )  # fmt: skip
    after = owner.get(decide).content.decode()
    assert "The payment is taken back." in after
    assert 'name="decision"' not in after


def test_a_request_that_nobody_decided_within_a_week_offers_no_button(desk: Desk) -> None:
    wanted = RefundRequest.objects.get()
    wanted.expires_at = clock.now()
    wanted.save()
    text = desk.browser().get(url("refund_request", wanted.id)).content.decode()
    assert "Nobody decided within a week" in text
    assert 'name="decision"' not in text
    assert "Waits for a second person" not in desk.browser().get(url("payment", desk.attempt.id)).content.decode()


def test_a_second_person_is_asked_for_where_only_one_may_refund(desk: Desk) -> None:
    browser, said = desk.browser(), {"cadence": "weekly", "approve_above": "500"}
    words = "Nobody else here may refund"
    assert words in browser.post(url("billing_rules"), said, follow=True).content.decode()
    desk.browser(Role.FRONT_DESK)
    assert words in browser.post(url("billing_rules"), said, follow=True).content.decode()
    desk.browser(Role.BILLER)
    assert words not in browser.post(url("billing_rules"), said, follow=True).content.decode()


def test_the_rules_are_chosen_in_the_settings(desk: Desk) -> None:
    browser = desk.browser()
    assert browser.post(url("billing_rules"), {"cadence": "hourly"}).status_code == 422
    browser.post(url("billing_rules"), {"cadence": "weekly", "approve_above": "500"})
    rules = BillingRules.objects.get()
    assert (rules.invoice_cadence, rules.approve_refunds_above_minor) == ("weekly", 50_000)
    assert "Every Monday" in browser.get(url("client_billing", desk.client.id)).content.decode()
    browser.post(url("client_by_rule", desk.client.id), {"on": "no"})
    assert "by hand alone" in browser.get(url("client_billing", desk.client.id)).content.decode()


def test_a_void_invoice_is_issued_again(desk: Desk) -> None:
    browser = desk.browser()
    void_invoice(invoice=desk.unpaid, reason="Wrong", actor_id=None)
    assert "Issue it again" in browser.get(url("invoice", desk.unpaid.id)).content.decode()
    browser.post(url("invoice_reissue", desk.unpaid.id))
    made = Invoice.objects.get(replaces=desk.unpaid)
    assert desk.unpaid.label in browser.get(url("invoice", made.id)).content.decode()
    assert "already" in browser.post(url("invoice_reissue", desk.unpaid.id), follow=True).content.decode()


def test_a_void_invoice_issued_again_warns_of_400_dollars_above_the_estimate_like_any_other(desk: Desk) -> None:
    service = desk.unpaid.lines.get().service
    document = IssuedDocument.objects.create(
        practice=desk.practice, kind="estimate", number=1, label="GFE-0001", account=desk.unpaid.account,
        digest="0" * 64, data={"total_minor": 10_000}, period_from=service.on, period_to=service.on,
        issued_on=service.on, issued_at=clock.now(),
    )  # fmt: skip
    IssuedClient.objects.create(practice=desk.practice, document=document, client=desk.client)
    void_invoice(invoice=desk.unpaid, reason="Wrong", actor_id=None)
    for minor, is_warned in ((49_999, False), (50_000, True)):
        Service.objects.filter(pk=service.pk).update(fee_minor=minor, insurer_minor=0)
        text = desk.browser().get(url("invoice", desk.unpaid.id)).content.decode()
        assert "Issue it again" in text
        assert ("From $400 above it the client may dispute the bill" in text) is is_warned
    unasked = desk.browser(Role.READ_ONLY).get(url("invoice", desk.unpaid.id)).content.decode()
    assert "may dispute the bill" not in unasked


def test_many_invoices_are_issued_by_the_worker(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paywell.desk.views.invoices.AT_ONCE", 0)
    browser = desk.browser()
    body = {"date_from": "2026-11-01", "date_to": "2026-11-30", "key": "k"}
    for _ in range(2):
        answer = browser.post(url("invoice_batch"), body)
    work = Work.objects.get(kind="issue_invoices")
    assert answer["Location"] == url("work", work.id)
    assert Invoice.objects.count() == 2
    from paywell.work.jobs import run_due

    run_due.call()
    work.refresh_from_db()
    assert (work.state, work.done, Invoice.objects.count()) == ("done", 1, 3)
    assert "<p>1 invoice was issued.</p>" in browser.get(url("work", work.id)).content.decode()


@pytest.mark.parametrize("role", list(Role))
def test_counting_never_fails(desk: Desk, role: Role) -> None:
    from paywell.accounts.types import StaffViewer

    member = desk.members.get(role) or (desk.browser(role) and desk.members[role])
    viewer = StaffViewer(member.user_id, desk.practice, role, member.clinician_id)
    assert count_waiting(viewer) >= 0


def test_what_a_rule_left_out_is_in_the_inbox_until_it_is_invoiced_by_hand(desk: Desk) -> None:
    account = desk.client.default_account
    service = make_service(desk.client, date(2026, 11, 3))
    work = Work.objects.create(
        practice_id=desk.practice.id, kind=INVOICES, title="Invoices by rule", state=WorkState.DONE, key="rule",
        created_at=clock.now(), next_try_at=clock.now(), finished_at=clock.now(), parameters={"by_rule": True},
        total=1, skipped=1,
    )  # fmt: skip
    WorkItem.objects.create(
        practice_id=desk.practice.id, work=work, position=0, subject_id=account.id, label="Ana & Co",
        state=ItemState.SKIPPED, words="$400 above.", data={"services": [str(service.id)]},
    )  # fmt: skip
    words = "The rule did not invoice Ana &amp; Co: look at it"
    told = {role: words in desk.browser(role).get(url("inbox")).content.decode() for role in Role}
    assert told == {role: role in (Role.OWNER, Role.BILLER) for role in Role}
    assert "$400 above." in desk.browser().get(url("work", work.id)).content.decode()
    issue_invoice(practice=desk.practice, account=account, services=[service], actor_id=None)
    assert words not in desk.browser().get(url("inbox")).content.decode()


def test_a_payer_who_stopped_waits_until_somebody_took_note(desk: Desk) -> None:
    agreement = desk.charge.agreement
    before, browser = int(counted(desk)), desk.browser()
    Agreement.objects.filter(pk=agreement.pk).update(
        ended_at=clock.now(), ended_by=agreement.user, stopped_at=clock.now()
    )
    text = browser.get(url("inbox")).content.decode()
    assert f"{agreement.contact.name} ended: {agreement.get_kind_display()}" in text
    assert f"{url('client_agreements', desk.client.id)}?account={agreement.account_id}" in text
    seen = url("agreement_seen", agreement.id)
    assert desk.browser(Role.READ_ONLY).post(seen).status_code == 404
    # Ended, so its failed charge does not wait any more; the end does.
    assert counted(desk) == str(before)
    assert browser.post(seen, follow=True).status_code == 200
    assert counted(desk) == str(before - 1)
    assert f"{agreement.contact.name} ended" not in browser.get(url("inbox")).content.decode()


def test_a_backup_that_failed_is_told_to_the_owner_and_the_status_page_says_why(
    desk: Desk, tmp_path: Path, settings: LazySettings
) -> None:
    settings.VAR, settings.BACKUPS = tmp_path, "daily"
    at = clock.now()
    status, inbox = url("status"), url("inbox")
    assert "None was made yet." in desk.browser().get(status).content.decode()
    note_made(at, 2_000_000)
    note_tried_out(TriedOut(clock.now(), at, 3, 1, ""))
    text = desk.browser().get(status).content.decode()
    assert "It came back whole within 3 s, with 1 ledger transfer." in text
    assert "The newest back-up failed" not in desk.browser().get(inbox).content.decode()
    note_failed("The disk is full.")
    text = desk.browser().get(status).content.decode()
    assert "No back-up could be made on" in text
    assert "The disk is full." in text
    for role, is_told in ((Role.OWNER, True), (Role.BILLER, False), (Role.FRONT_DESK, False)):
        assert ("The newest back-up failed" in desk.browser(role).get(inbox).content.decode()) is is_told
    settings.BACKUPS = "off"
    assert "chose to make them in another way" in desk.browser().get(status).content.decode()
    assert "The newest back-up failed" not in desk.browser().get(inbox).content.decode()
