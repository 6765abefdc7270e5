"""Notices at the desk: texts with a preview, the schedule of reminders, the delivery log."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.urls import reverse

from paywell.accounts.models import Role
from paywell.core import clock
from paywell.core.ids import new_id
from paywell.desk.tests.factories import Desk, make_desk
from paywell.notifications.messages import get_front_door
from paywell.notifications.models import Delivery, NoticeText, ReminderRules
from paywell.notifications.texts import compose


def url(name: str, *ids: Any) -> str:
    return reverse(f"desk:{name}", args=ids)


EDIT = ("notice_edit", "invoice_issued")


def add_delivery(desk: Desk, **fields: Any) -> Delivery:
    values = {
        "practice": desk.practice, "event_id": new_id(), "kind": "x", "notice": "receipt_waits",
        "recipient_kind": "contact", "recipient_id": desk.contact.id, "message_id": "<x>",
        "created_at": clock.now(),
    }  # fmt: skip
    return Delivery.objects.create(**(values | fields))


def test_a_preview_shows_the_e_mail_and_keeps_nothing(desk: Desk) -> None:
    form = {"subject": "News: {practice}", "body": "Zebra words\n\n{link}", "step": "preview"}
    text = desk.browser().post(url(*EDIT), form).content.decode()
    assert "<strong>News: Willow Creek Therapy</strong>" in text
    assert "<p>Zebra words</p>" in text
    assert f"<p>{get_front_door()}</p>" in text
    assert not NoticeText.objects.exists()


def test_a_text_is_saved_named_and_restored(desk: Desk) -> None:
    browser = desk.browser()
    answer = browser.post(url(*EDIT), {"subject": "News", "body": "Look: {link}"})
    assert answer["Location"] == url("notices")
    assert NoticeText.objects.get().changed_by_id == desk.members[Role.OWNER].user_id
    assert browser.get(url("notices")).content.decode().count("Own text") == 1
    assert "Changed by" in browser.get(url(*EDIT)).content.decode()
    browser.post(url("notice_restore", "invoice_issued"))
    assert not NoticeText.objects.exists()
    assert "This is the standard text." in browser.get(url(*EDIT)).content.decode()


@pytest.mark.parametrize("step", ["", "preview"])
def test_a_refused_text_stays_in_the_form_and_the_page_says_why(desk: Desk, step: str) -> None:
    form = {"subject": "News", "body": "F41.1 for {client}: {link}", "step": step}
    answer = desk.browser().post(url(*EDIT), form)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "{client} can&#x27;t stand here. What can: {practice}, {link}, {phone}." in text
    assert "F41.1 for {client}: {link}</textarea>" in text
    form["body"] = "F41.1: {link}"
    text = desk.browser().post(url(*EDIT), form).content.decode()
    assert "reads as the code of a diagnosis or a service" in text
    form |= {"subject": "News\r\nBcc: x@example.org", "body": "{link}"}
    assert desk.browser().post(url(*EDIT), form).status_code == 422
    assert not NoticeText.objects.exists()


def test_both_fields_of_a_text_say_at_once_what_is_wrong_with_them(desk: Desk) -> None:
    form = {"subject": "For {client}", "body": "Your anxiety session is paid: {link}"}
    answer = desk.browser().post(url(*EDIT), form)
    text = unescape(answer.content.decode())
    assert answer.status_code == 422
    assert "{client} can't stand here. What can: {practice}." in text
    assert "“anxiety” tells of care. Say it without." in text
    assert "Your anxiety session is paid: {link}" in text
    assert NoticeText.objects.count() == 0


def test_both_fields_of_the_schedule_say_at_once_what_is_wrong_with_them(desk: Desk) -> None:
    form = {"is_on": "on", "days_before": "soon", "days_after": "1, 900"}
    answer = desk.browser().post(url("reminders"), form)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "Write whole numbers with commas between them, like 1, 7." in text
    assert "Use whole days from 1 to 180." in text
    assert 'value="1, 900"' in text
    assert ReminderRules.objects.count() == 0


def test_a_text_that_the_catalogue_has_caught_up_with_is_not_sent_and_the_desk_says_so(desk: Desk) -> None:
    browser = desk.browser()
    assert browser.post(url(*EDIT), {"subject": "Riverbank news", "body": "Look: {link}"}).status_code == 302
    assert "Standard text is sent" not in browser.get(url("notices")).content.decode()
    assert compose(desk.practice, "invoice_issued", link="x").subject == "Riverbank news"
    type(desk.item).objects.filter(pk=desk.item.pk).update(wording="Riverbank")
    sent = compose(desk.practice, "invoice_issued", link="x")
    assert "Riverbank" not in sent.subject + sent.body
    assert "Standard text is sent" in browser.get(url("notices")).content.decode()
    page = unescape(browser.get(url(*EDIT)).content.decode())
    assert "“Riverbank” stands in the catalogue. Say it without." in page
    assert "Until it is changed, the standard text is sent in its place." in page
    assert "Riverbank news" in page


def test_an_unknown_kind_is_not_found(desk: Desk) -> None:
    assert desk.browser().get(url("notice_edit", "unknown")).status_code == 404
    assert desk.browser().post(url("notice_restore", "unknown")).status_code == 404


def test_the_schedule_is_switched_on_with_days(desk: Desk) -> None:
    browser = desk.browser()
    assert "Nobody is reminded of a due date." in browser.get(url("notices")).content.decode()
    form = {"is_on": "on", "days_before": "7, 1", "days_after": "3 14"}
    assert browser.post(url("reminders"), form)["Location"] == url("notices")
    rules = ReminderRules.objects.get()
    assert (rules.is_on, rules.days_before, rules.days_after) == (True, [1, 7], [3, 14])
    text = browser.get(url("notices")).content.decode()
    assert "Days before the due date: 1, 7." in text
    assert "Days after it: 3, 14." in text
    for days in ("soon", "-1", "1.5", "99999"):
        assert browser.post(url("reminders"), form | {"days_after": days}).status_code == 422
    assert ReminderRules.objects.get().days_after == [3, 14]


def test_the_log_says_who_what_and_why_and_no_content(desk: Desk) -> None:
    add_delivery(desk, sent_at=clock.now())
    add_delivery(desk, notice="reminder_after", skipped_at=clock.now(), skip_reason="no_email_wanted")
    add_delivery(desk, notice="invoice_issued", error="SMTPRecipientsRefused", tries=2)
    add_delivery(
        desk, notice="payment_came_in", recipient_kind="clinician", recipient_id=desk.clinician.id,
        skipped_at=clock.now(), skip_reason="no_sign_in",
    )  # fmt: skip
    add_delivery(make_desk())
    browser = desk.browser(Role.BILLER)

    def rows(query: str = "") -> list[str]:
        text = browser.get(url("deliveries") + query).content.decode()
        return [" ".join(row.split()) for row in text.split("<tbody>")[-1].split("</tbody>")[0].split("<tr>")[1:]]

    skipped, failed = rows("?outcome=skipped"), rows("?outcome=failed")
    assert (len(rows()), len(skipped), len(failed), len(rows("?outcome=sent"))) == (4, 2, 1, 1)
    assert desk.clinician.name in skipped[0]
    assert "No sign-in, so no address to send to" in skipped[0]
    assert "Ana Duarte" in skipped[1]
    assert "The client wants no e-mail" in skipped[1]
    assert "The mail server did not take it (SMTPRecipientsRefused). Tries: 2." in failed[0]
    assert url("client_people", desk.client.id) in failed[0]
    assert "Check the address" in failed[0]
    assert url("client_people", desk.client.id) not in skipped[0]  # the clinician's own
    assert len(rows("?notice=receipt_waits")) == 1
    assert "ana@example.org" not in "".join(rows())


def test_the_page_names_clinicians_whom_no_notice_reaches(desk: Desk) -> None:
    text = desk.browser().get(url("notices")).content.decode()
    assert "Gets no notices to staff" in text
    assert desk.clinician.name in text
    desk.browser(Role.CLINICIAN)
    assert "Gets no notices to staff" not in desk.browser().get(url("notices")).content.decode()


def test_a_text_is_no_choice_and_an_empty_one_is_refused_in_words(desk: Desk) -> None:
    browser = desk.browser()
    assert "(optional)" not in browser.get(url(*EDIT)).content.decode().partition("<main")[2]
    answer = browser.post(url(*EDIT), {"subject": "", "body": ""})
    assert answer.status_code == 422
    for words in ("Write a subject.", "Write a text, or restore the standard one."):
        assert words in answer.content.decode()
    assert not NoticeText.objects.exists()
