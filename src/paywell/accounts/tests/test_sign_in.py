"""Signing in: by e-mail only, by invitation only, and telling strangers nothing."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.usersessions.models import UserSession
from django.core import mail
from django.core.cache import cache
from django.test import Client

from paywell.accounts.models import User
from paywell.accounts.tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db
SIGN_IN = "/account/login/"


@pytest.fixture(autouse=True)
def _fresh_limits():
    cache.clear()
    yield
    cache.clear()


def _sign_in(client, email, password=PASSWORD, **extra):
    return client.post(SIGN_IN, {"login": email, "password": password}, **extra)


def test_e_mail_and_password_lead_to_the_start_page_with_a_new_session(client):
    make_user(email="ana@example.org")
    client.get("/invitation/nonsense/")
    before = client.session.session_key
    assert _sign_in(client, "ANA@example.org")["Location"] == "/"
    assert client.session.session_key != before


def test_the_cursor_begins_in_the_first_field_unless_the_page_has_something_to_say(client):
    focused = re.compile(r"<input[^>]* autofocus[^>]*>")
    found = focused.findall(client.get(SIGN_IN).content.decode())
    assert len(found) == 1
    assert 'name="login"' in found[0]
    assert not focused.search(client.get(SIGN_IN, {"why": "idle"}).content.decode())
    assert not focused.search(client.post(SIGN_IN, {"login": "", "password": ""}).content.decode())


def test_after_signing_in_nobody_is_sent_to_another_site(client):
    make_user(email="ana@example.org")
    answer = client.post(
        f"{SIGN_IN}?next=https://evil.example.org/", {"login": "ana@example.org", "password": PASSWORD}
    )
    assert answer["Location"] == "/"


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(client, caplog):
    make_user(email="ana@example.org")
    pages = []
    for email in ("ana@example.org", "nobody@example.org"):
        caplog.clear()
        answer = Client().post(SIGN_IN, {"login": email, "password": "wrong wrong wrong wrong"})
        page = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", answer.content.decode())
        pages.append((answer.status_code, page.replace(email, "")))
        assert "wrong e-mail or password" in caplog.text
        assert email not in caplog.text
    assert pages[0] == pages[1]
    assert "The e-mail or the password is not right" in pages[0][1]


def test_asking_for_a_new_password_tells_nothing_and_writes_to_the_known_only(client):
    make_user(email="ana@example.org")
    answers = [client.post("/account/password/reset/", {"email": e}) for e in ("ana@example.org", "no@example.org")]
    assert {(a.status_code, a["Location"]) for a in answers} == {(302, "/account/password/reset/done/")}
    known, unknown = mail.outbox
    assert re.search(r"http://testserver/account/password/reset/key/\S+", known.body)
    assert "Nobody signs in here" in unknown.body
    assert "http" not in unknown.body


def test_a_new_password_needs_fifteen_characters(client):
    user = make_user(email="ana@example.org")
    client.post("/account/password/reset/", {"email": "ana@example.org"})
    link = re.search(r"http://testserver(\S+)", mail.outbox[0].body)[1]
    form = client.get(link, follow=True).redirect_chain[-1][0]
    short = client.post(form, {"password1": "fourteen chars", "password2": "fourteen chars"})
    assert "at least 15 characters" in short.content.decode()
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert client.post(form, {"password1": "fifteen chars ok", "password2": "fifteen chars ok"}).status_code == 302
    user.refresh_from_db()
    assert user.check_password("fifteen chars ok")


def test_five_wrong_tries_lock_the_address_for_a_while(client):
    make_user(email="ana@example.org")
    for _ in range(5):
        _sign_in(client, "ana@example.org", "wrong wrong wrong wrong")
    answer = _sign_in(client, "ana@example.org")
    assert "too many wrong tries" in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_a_code_by_e_mail_signs_in_and_an_unknown_address_sees_the_same(client):
    make_user(email="ana@example.org")
    stranger = Client()
    locations = {
        c.post("/account/login/code/", {"email": e})["Location"]
        for c, e in [(client, "ana@example.org"), (stranger, "no@example.org")]
    }
    assert locations == {"/account/login/code/confirm/"}
    assert "a code is on its way" in stranger.get("/account/login/code/confirm/").content.decode()
    code = re.search(r"^\S{4,}-?\S*$", mail.outbox[0].body.split("minutes:")[1].strip(), re.M)[0]
    assert client.post("/account/login/code/confirm/", {"code": code})["Location"] == "/"
    assert "_auth_user_id" in client.session


def test_nobody_registers_on_their_own(client):
    answer = client.get("/account/signup/")
    assert "By invitation only" in answer.content.decode()
    client.post("/account/signup/", {"email": "new@example.org", "password1": PASSWORD})
    assert User.objects.count() == 0


def test_with_all_cookies_blocked_the_page_says_so_instead_of_looping():
    make_user(email="ana@example.org")
    without_cookies = Client(enforce_csrf_checks=True)
    answer = without_cookies.post(SIGN_IN, {"login": "ana@example.org", "password": PASSWORD})
    assert answer.status_code == 403
    assert "This browser blocks cookies" in answer.content.decode()
    stale = Client(enforce_csrf_checks=True)
    stale.get(SIGN_IN)
    answer = stale.post(SIGN_IN, {"login": "ana@example.org", "password": PASSWORD})
    assert "This page was open too long" in answer.content.decode()


def test_the_second_step_is_asked_for_and_its_key_is_encrypted(client):
    user = make_user(email="ana@example.org")
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    assert secret not in str(Authenticator.objects.get().data)
    assert get_adapter().decrypt(Authenticator.objects.get().data["secret"]) == secret
    assert _sign_in(client, "ana@example.org")["Location"] == "/account/2fa/authenticate/"
    assert client.get("/portal/")["Location"] == f"{SIGN_IN}?next=/portal/"
    wrong = client.post("/account/2fa/authenticate/", {"code": "000000"})
    assert "This code is not right" in wrong.content.decode()
    counter = next(iter(yield_hotp_counters_from_time()))
    code = format_hotp_value(hotp_value(secret, counter))
    assert client.post("/account/2fa/authenticate/", {"code": code})["Location"] == "/"
    assert "_auth_user_id" in client.session


def test_changing_the_second_step_asks_again_who_it_is(client):
    client.force_login(make_user())
    assert client.get("/account/2fa/totp/activate/")["Location"].startswith("/account/reauthenticate/")
    change = client.post("/account/email/", {"email": "new@example.org", "action_add": "1"})
    assert change["Location"].startswith("/account/reauthenticate/")
    assert not EmailAddress.objects.filter(email="new@example.org").exists()
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    assert client.get("/account/2fa/totp/activate/").status_code == 200


def test_other_devices_can_be_signed_out(client):
    make_user(email="ana@example.org")
    elsewhere = Client()
    for c in (client, elsewhere):
        _sign_in(c, "ana@example.org")
    assert UserSession.objects.count() == 2
    assert "Sign out everywhere else" in client.get("/account/sessions/").content.decode()
    client.post("/account/sessions/")
    assert client.get("/account/sessions/").status_code == 200
    assert elsewhere.get("/account/sessions/").status_code == 302


@pytest.mark.parametrize(
    "page",
    ["login/", "login/code/", "password/reset/", "password/reset/done/", "signup/", "inactive/", "confirm-email/",
     "confirm-email/nonsense/", "password/reset/key/1-set-password/", "password/reset/key/done/"],
)  # fmt: skip
def test_pages_for_everybody_have_our_look_and_no_inline_script(client, page):
    _check(client.get(f"/account/{page}"))


@pytest.mark.parametrize(
    "page",
    ["2fa/", "2fa/totp/activate/", "2fa/totp/deactivate/", "2fa/recovery-codes/", "2fa/recovery-codes/generate/",
     "2fa/webauthn/", "2fa/webauthn/add/", "sessions/", "password/change/", "email/", "logout/", "reauthenticate/",
     "2fa/reauthenticate/", "second-factor/"],
)  # fmt: skip
def test_pages_of_a_signed_in_person_have_our_look_and_no_inline_script(client, page, settings):
    settings.STAFF_SECOND_FACTOR_REQUIRED = True
    user = make_user(email="ana@example.org")
    _sign_in(client, "ana@example.org")
    if "deactivate" in page or "recovery" in page or "2fa/reauth" in page:
        from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

        TOTP.activate(user, generate_totp_secret())
        RecoveryCodes.activate(user)
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    answer = client.get(f"/account/{page}")
    _check(answer)
    assert answer["Cache-Control"] == "no-store, private"


def _check(answer):
    assert answer.status_code == 200, answer
    page = answer.content.decode()
    assert "core/paywell.css" in page
    for script in re.findall(r"<script\b[^>]*>", page):
        assert "src=" in script or 'type="application/json"' in script
    assert not re.search(r"\son\w+=|\sstyle=", page)
    assert "Menu:" not in page
    assert len(re.findall(r"<h1", page)) == 1
    assert "camera=()" in answer["Permissions-Policy"]
    assert answer["Cross-Origin-Opener-Policy"] == answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Referrer-Policy"] == "same-origin"
