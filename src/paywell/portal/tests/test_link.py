"""product.md 1.6: the pay link, from opening it to the receipt, without a session and without a cookie."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.test import Client as Browser

from paywell.books.check import check_books
from paywell.clients.models import Client
from paywell.core import clock
from paywell.payments.models import Attempt, AttemptState, Channel, PayLink, SavedCard
from paywell.payments.pay_links import make_token
from paywell.payments.tests.factories import World, make_line
from paywell.portal.tests.conftest import STEP_TWO, PortalProcessor
from paywell.portal.tests.links import make_link, pay, url_of
from paywell.portal.tests.pages import Form, text

DAY = timedelta(days=1)


def test_a_pay_link_pays_its_invoice_without_signing_in_and_without_a_cookie(
    nobody: Browser, world: World, processor: PortalProcessor
) -> None:
    line = make_line(world, 12000)
    link = make_link(line)
    response = pay(nobody, link)
    attempt = Attempt.objects.get()
    assert (response.status_code, response["Location"]) == (303, f"{url_of(link)}payments/{attempt.id}/")
    assert (attempt.state, attempt.captured_minor) == (AttemptState.SUCCEEDED, 12000)
    assert (attempt.channel, attempt.pay_link, attempt.contact, attempt.actor) == (Channel.LINK, link, None, None)
    page = nobody.get(response["Location"])
    assert "Paid $120.00" in text(page)
    assert "Nothing is due" in text(nobody.get(url_of(link)))
    receipt = nobody.get(f"{response['Location']}receipt.pdf")
    assert (receipt.status_code, receipt["Content-Type"]) == (200, "application/pdf")
    assert processor.taken == 12000
    assert check_books().is_well


def test_no_page_of_a_pay_link_sets_a_cookie_or_asks_for_one(nobody: Browser, world: World) -> None:
    link = make_link(make_line(world, 12000))
    for path in (url_of(link), "/pay/ask/"):
        response = nobody.get(path)
        assert (response.status_code, dict(response.cookies)) == (200, {})


def test_a_pay_link_shows_dates_and_amounts_and_nothing_of_the_care(nobody: Browser, world: World) -> None:
    line = make_line(world, 12000)
    Client.objects.filter(pk=world.client.pk).update(legal_first_name="Zebedee", legal_last_name="Marrow")
    link = make_link(line)
    paid = pay(nobody, link)
    pages = [nobody.get(url_of(link)), nobody.get(paid["Location"])]
    for page in pages:
        for word in (line.wording, line.clinician_name, "Zebedee", "Marrow", world.account.name):
            assert word
            assert word not in page.content.decode()


def test_a_part_of_a_single_line_can_be_paid_and_the_rest_later(
    nobody: Browser, world: World, processor: PortalProcessor
) -> None:
    link = make_link(make_line(world, 12000))
    page = nobody.get(pay(nobody, link, amount="20.00")["Location"])
    assert "Balance due now $100.00" in text(page)
    assert 'value="100.00"' in nobody.get(url_of(link)).content.decode()


def test_two_steps_lead_to_the_processor_and_back_under_the_link(
    nobody: Browser, world: World, two_step: PortalProcessor
) -> None:
    link = make_link(make_line(world, 12000))
    response = pay(nobody, link, card_token="")
    attempt = Attempt.objects.get()
    assert response["Location"].startswith(STEP_TWO) or response["Location"] == attempt.step_url
    assert attempt.consent_version == ""
    from paywell.payments.orders import sign_return

    back = nobody.get(f"/portal/return/{attempt.id}/{sign_return(attempt)}/")
    assert (back.status_code, back["Location"]) == (303, f"{url_of(link)}payments/{attempt.id}/")


def test_a_card_is_never_kept_through_a_link(nobody: Browser, world: World, processor: PortalProcessor) -> None:
    link = make_link(make_line(world, 12000))
    html = nobody.get(url_of(link)).content.decode()
    assert "Save Card for Future Payments" not in html
    pay(nobody, link, save_card="on", consent_version="2026-11")
    assert (Attempt.objects.get().consent_version, SavedCard.objects.count()) == ("", 0)


@pytest.mark.parametrize("why", ["revoked", "expired", "forged", "other"])
def test_a_link_that_is_over_shows_the_same_page_and_takes_no_money(
    nobody: Browser, world: World, processor: PortalProcessor, why: str
) -> None:
    link = make_link(make_line(world, 12000))
    form = Form(nobody.get(url_of(link)).content.decode())
    now = clock.now()
    if why == "revoked":
        PayLink.objects.update(revoked_at=now)
    if why == "expired":
        PayLink.objects.update(made_at=now - 2 * DAY, expires_at=now - timedelta(seconds=1))
    token = make_token(link)
    if why == "forged":
        token = token[:-1] + ("A" if token[-1] != "A" else "B")
    if why == "other":
        token = token.split(".")[0] + "." + "x" * 43
    opened = nobody.get(f"/pay/{token}/")
    sent = nobody.post(f"/pay/{token}/start/", {**form.data, "card_token": "tok_1"})
    assert [opened.status_code, sent.status_code] == [404, 404]
    assert "This link is no longer valid" in text(opened)
    assert (Attempt.objects.count(), processor.taken) == (0, 0)


def test_a_link_opens_no_line_and_no_payment_of_another_invoice(
    nobody: Browser, world: World, processor: PortalProcessor
) -> None:
    mine, other = make_line(world, 12000), make_line(world, 8400)
    assert mine.invoice_id != other.invoice_id
    link = make_link(mine)
    form = Form(nobody.get(url_of(link)).content.decode())
    assert nobody.get(f"{url_of(link)}?line={other.id}").status_code == 404
    sent = nobody.post(form.action, {**form.data, "line": [str(other.id)], "card_token": "tok_1"})
    assert (sent.status_code, Attempt.objects.count(), processor.taken) == (404, 0, 0)
    elsewhere = make_link(other)
    pay(nobody, elsewhere)
    theirs = Attempt.objects.get()
    for path in ("", "status/", "receipt.pdf"):
        assert nobody.get(f"{url_of(link)}payments/{theirs.id}/{path}").status_code == 404


def test_the_form_of_one_link_is_not_good_under_another(
    nobody: Browser, world: World, processor: PortalProcessor
) -> None:
    other = make_line(world, 8400)
    one, two = make_link(make_line(world, 12000)), make_link(other)
    form = Form(nobody.get(url_of(one)).content.decode())
    data = {**form.data, "line": [str(other.id)], "amount": "84.00", "card_token": "tok_1"}
    sent = nobody.post(f"{url_of(two)}start/", data)
    assert (sent.status_code, Attempt.objects.count()) == (422, 0)


def test_f03_a_link_and_the_portal_never_take_one_service_twice(
    nobody: Browser, browser: Browser, world: World, processor: PortalProcessor
) -> None:
    line = make_line(world, 12000)
    link = make_link(line)
    form = Form(nobody.get(url_of(link)).content.decode())
    processor.lose("submit")
    processor.lose("look_up")
    from paywell.portal.tests.pages import pay as pay_in_portal

    pay_in_portal(browser, line)
    answer = nobody.post(form.action, {**form.data, "card_token": "tok_2"})
    assert answer.status_code == 302
    assert "don't pay again" in text(nobody.get(url_of(link)))
    assert Attempt.objects.count() == 1


def test_pressing_twice_is_one_payment(nobody: Browser, world: World, processor: PortalProcessor) -> None:
    link = make_link(make_line(world, 12000))
    form = Form(nobody.get(url_of(link)).content.decode())
    data = {**form.data, "card_token": "tok_1"}
    first, second = nobody.post(form.action, data), nobody.post(form.action, data)
    assert first["Location"] == second["Location"]
    assert (Attempt.objects.count(), processor.taken) == (1, 12000)


@pytest.mark.parametrize("switch", ["practice", "client", "processor"])
def test_a_link_obeys_the_three_switches(
    nobody: Browser, world: World, processor: PortalProcessor, switch: str
) -> None:
    link = make_link(make_line(world, 12000))
    form = Form(nobody.get(url_of(link)).content.decode())
    if switch == "practice":
        world.practice.payments_allowed = False
        world.practice.save()
    if switch == "client":
        Client.objects.update(payments_allowed=False)
    if switch == "processor":
        world.processor_account.is_active = False
        world.processor_account.save()
    assert "Online payments are not turned on" in text(nobody.get(url_of(link)))
    sent = nobody.post(form.action, {**form.data, "card_token": "tok_1"})
    assert "Online payments are not turned on" in text(sent)
    assert (Attempt.objects.count(), processor.taken) == (0, 0)


def test_the_address_of_a_link_is_told_to_no_other_site(nobody: Browser, world: World) -> None:
    response = nobody.get(url_of(make_link(make_line(world, 12000))))
    assert response["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response["Cache-Control"]


def test_asking_for_links_answers_the_same_to_everybody(
    nobody: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("paywell.portal.views.link.send_asked_links", SimpleNamespace(enqueue=asked.append))
    known = nobody.post("/pay/ask/", {"email": world.user.email})
    unknown = nobody.post("/pay/ask/", {"email": "nobody@example.org"})
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert "Look at your e-mail" in text(known)
    assert asked == [world.user.email, "nobody@example.org"]


def test_asking_with_no_address_says_what_to_do_and_sends_nothing(
    nobody: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paywell.portal.views.link.send_asked_links", SimpleNamespace(enqueue=pytest.fail))
    answer = nobody.post("/pay/ask/", {"email": "not an address"})
    assert (answer.status_code, "Enter an e-mail address" in text(answer)) == (422, True)


def test_asking_over_and_over_is_stopped(nobody: Browser, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("paywell.portal.views.link.send_asked_links", SimpleNamespace(enqueue=asked.append))
    answers = [nobody.post("/pay/ask/", {"email": "ana@example.org"}).status_code for _ in range(4)]
    assert (answers, len(asked)) == ([200, 200, 200, 429], 3)


def test_the_sign_in_page_tells_of_pay_links_where_cookies_are_blocked(nobody: Browser, world: World) -> None:
    page = nobody.get("/account/login/").content.decode()
    assert "data-cookies-blocked hidden" in page
    assert page.count('href="/pay/ask/"') == 2
    refused = nobody.post("/account/login/", {"login": world.user.email, "password": "x"})
    assert refused.status_code == 403
    assert "This browser blocks cookies" in text(refused)
    assert 'href="/pay/ask/"' in refused.content.decode()
