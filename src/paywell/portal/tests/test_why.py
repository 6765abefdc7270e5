"""Why do I owe this: the client reads the story of a service and asks about it."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client as Browser

from paywell.billing.models import Question
from paywell.billing.questions import answer_question, find_questioned
from paywell.core import clock
from paywell.core.templatetags.paywell import local_day
from paywell.invoicing.actions import void_invoice
from paywell.payments.tests.factories import World, make_line, make_other_payer, make_world
from paywell.portal.news import ANSWER_SHOWN


def test_each_service_to_pay_leads_to_its_story(browser: Browser, world: World) -> None:
    line = make_line(world)
    page = browser.get("/portal/pay/").content.decode()
    assert f"/portal/lines/{line.id}/why/" in page
    text = browser.get(f"/portal/lines/{line.id}/why/").content.decode()
    for words in ("Why do I owe this?", "Fee", "Invoiced, INV-0001", "$120.00", "Make a Payment"):
        assert words in text


def test_a_question_waits_for_the_practice_and_its_answer_shows(browser: Browser, world: World) -> None:
    line = make_line(world)
    page = f"/portal/lines/{line.id}/why/"
    assert browser.post(page, {"text": "Was this not covered?"}).status_code == 302
    assert find_questioned(world.practice.id, [line.id]) == {line.id}
    text = browser.get(page).content.decode()
    assert "Was this not covered?" in text
    assert "Ask the practice" not in text
    assert "waits for an answer" in browser.post(page, {"text": "Again"}).content.decode()
    answer_question(viewer=world.staff, question=Question.objects.get(), answer="It was: see the new balance.")
    assert find_questioned(world.practice.id, [line.id]) == set()
    text = browser.get(page).content.decode()
    assert "see the new balance" in text
    assert "Ask the practice" in text


def test_the_list_to_pay_from_says_which_service_is_asked_about(browser: Browser, world: World) -> None:
    asked, other = make_line(world), make_line(world)
    note = "The practice was asked about this on"
    assert note not in browser.get("/portal/pay/").content.decode()
    browser.post(f"/portal/lines/{asked.id}/why/", {"text": "Why?"})
    on = local_day(Question.objects.get().asked_at, world.practice.timezone)
    page = browser.get("/portal/pay/").content.decode()
    assert page.count(note) == 1
    assert f"{note} {on}. No reminder until it answers." in page
    rows = page.split("<tr")
    assert [note in row for row in rows if f'value="{asked.id}"' in row] == [True]
    assert [note in row for row in rows if f'value="{other.id}"' in row] == [False]
    answer_question(viewer=world.staff, question=Question.objects.get(), answer="Because.")
    assert note not in browser.get("/portal/pay/").content.decode()


def test_an_empty_or_endless_question_is_not_sent(browser: Browser, world: World) -> None:
    page = f"/portal/lines/{make_line(world).id}/why/"
    for typed in (" ", "a" * 1001):
        answer = browser.post(page, {"text": typed})
        assert answer.status_code == 422
    assert Question.objects.count() == 0


def test_another_account_s_service_has_no_story_here(browser: Browser, world: World) -> None:
    line = make_line(make_world("Elsewhere"))
    page = f"/portal/lines/{line.id}/why/"
    assert browser.get(page).status_code == 404
    assert browser.post(page, {"text": "Hm"}).status_code == 404
    assert Question.objects.count() == 0


def test_an_answer_stands_on_the_home_page_also_when_nothing_is_owed_any_more(
    browser: Browser, world: World
) -> None:
    line = make_line(world)
    page = f"/portal/lines/{line.id}/why/"
    browser.post(page, {"text": "Was this not covered?"})
    told = "Your question is answered"
    assert told not in browser.get("/portal/").content.decode()
    question = Question.objects.get()
    answer_question(viewer=world.staff, question=question, answer="It was. We took it off.")
    void_invoice(invoice=line.invoice, reason="Covered", actor_id=None)
    home = browser.get("/portal/").content.decode()
    assert told in home
    assert f'href="{page}"' in home
    assert "We took it off." in browser.get(page).content.decode()
    other = Browser()
    other.force_login(make_other_payer(world).contact.user)
    assert told not in other.get("/portal/").content.decode()
    Question.objects.update(answered_at=clock.now() - ANSWER_SHOWN - timedelta(hours=1))
    assert told not in browser.get("/portal/").content.decode()
