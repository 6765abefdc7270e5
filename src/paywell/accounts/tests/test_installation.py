"""The first set-up: only by whoever reads the terminal, once, and never again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from paywell.accounts.installation import (
    TRIES_MAX,
    AlreadyInstalled,
    install,
    is_installed,
    make_code,
    use_code,
)
from paywell.accounts.models import Installation, Role, StaffMember, User
from paywell.accounts.tests.factories import PASSWORD, make_practice
from paywell.audit.models import AuditEvent
from paywell.core import clock
from paywell.core.errors import UserError
from paywell.practice.models import Practice

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
FORM = {
    "practice_name": "Willow Creek", "owner_name": "Mara Feld", "owner_email": "mara@example.org",
    "password": PASSWORD, "timezone": "America/Denver",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _clock() -> Any:
    with clock.set_to(NOW):
        yield


def enter(browser: Browser, code: str) -> Any:
    return browser.post(reverse("accounts:setup"), {"code": code})


def test_a_code_works_once_typed_any_way_and_is_stored_only_as_a_hash() -> None:
    code = make_code()
    assert len(code) == 14
    assert code not in str(Installation.objects.values())
    assert not use_code("")
    assert use_code(code.lower().replace("-", " "))
    assert not use_code(code)


def test_a_new_code_ends_the_one_before_and_processes_that_start_together_make_one() -> None:
    first = make_code()
    assert make_code(unless_just_made=True) == ""
    second = make_code()
    assert not use_code(first)
    assert use_code(second)


def test_a_code_ends_after_an_hour() -> None:
    code = make_code()
    with clock.set_to(NOW + timedelta(hours=1, seconds=1)):
        assert not use_code(code)
        assert make_code(unless_just_made=True) != ""


def test_too_many_wrong_tries_void_the_code() -> None:
    code = make_code()
    for _ in range(TRIES_MAX):
        assert not use_code("AAAA-AAAA-AAAA")
    assert not use_code(code)
    assert use_code(make_code())


def test_without_the_code_nobody_gets_to_the_owner(client: Browser) -> None:
    make_code()
    assert client.get(reverse("accounts:setup")).status_code == 200
    for answer in (client.get(reverse("accounts:setup_owner")), client.post(reverse("accounts:setup_owner"), FORM)):
        assert (answer.status_code, answer["Location"]) == (302, reverse("accounts:setup"))
    wrong = enter(client, "AAAA-AAAA-AAAA")
    assert wrong.status_code == 422
    assert "This code is not right" in wrong.content.decode()
    assert not User.objects.exists()
    assert not Practice.objects.exists()


def test_from_the_code_to_the_desk(client: Browser) -> None:
    assert client.get("/")["Location"] == reverse("accounts:setup")
    assert enter(client, make_code())["Location"] == reverse("accounts:setup_owner")
    answer = client.post(reverse("accounts:setup_owner"), FORM)
    assert (answer.status_code, answer["Location"]) == (302, reverse("desk:setup"))
    practice, owner = Practice.objects.get(), User.objects.get()
    assert (practice.name, practice.timezone) == ("Willow Creek", "America/Denver")
    assert (owner.email, owner.name) == ("mara@example.org", "Mara Feld")
    assert owner.check_password(PASSWORD)
    assert StaffMember.objects.get().role == Role.OWNER
    assert client.session["_auth_user_id"] == str(owner.id)
    actions = AuditEvent.objects.filter(practice_id=practice.id).values_list("action", flat=True)
    assert list(actions) == ["practice.create_practice", "accounts.create_staff_member"]


def test_the_second_step_does_not_ask_again_for_the_password_chosen_just_now(client: Browser) -> None:
    enter(client, make_code())
    client.post(reverse("accounts:setup_owner"), FORM)
    assert client.get(reverse("mfa_activate_totp")).status_code == 200
    with clock.set_to(NOW):
        later = Browser()
        later.force_login(User.objects.get())
    asked = later.get(reverse("mfa_activate_totp"))
    assert (asked.status_code, asked["Location"].partition("?")[0]) == (302, reverse("account_reauthenticate"))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"practice_name": " "}, "practice_name"),
        ({"owner_name": ""}, "owner_name"),
        ({"owner_email": "mara"}, "owner_email"),
        ({"password": "short"}, "password"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_made(client: Browser, change: Any, field: str) -> None:
    enter(client, make_code())
    answer = client.post(reverse("accounts:setup_owner"), FORM | change)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.content.decode()
    if "password" not in change:
        assert PASSWORD not in answer.content.decode()
    assert not User.objects.exists()
    assert not is_installed()
    assert client.post(reverse("accounts:setup_owner"), FORM).status_code == 302


def test_an_empty_form_names_each_missing_field_at_once(client: Browser) -> None:
    enter(client, make_code())
    typed = {"timezone": "America/Denver", "practice_name": "Willow Creek"}
    answer = client.post(reverse("accounts:setup_owner"), typed)
    html = answer.content.decode()
    assert answer.status_code == 422
    for field, words in (
        ("owner_name", "Enter your name."),
        ("owner_email", "Enter your e-mail address: you sign in with it."),
        ("password", "Choose a password of at least 15 characters."),
    ):
        assert f'<a href="#{field}">{words}</a>' in html
        assert f'id="{field}_error"' in html
    assert "#practice_name" not in html
    assert 'value="Willow Creek"' in html
    assert '<option value="America/Denver" selected>Mountain Time, Denver</option>' in html
    assert not User.objects.exists()


def test_a_password_is_compared_with_the_e_mail_that_was_typed_beside_what_else_is_wrong(client: Browser) -> None:
    enter(client, make_code())
    answer = client.post(
        reverse("accounts:setup_owner"),
        FORM | {"owner_email": "maximilian@example.org", "password": "maximilian@example", "practice_name": ""},
    )
    assert "The password is too similar to the email" in answer.content.decode()
    assert 'href="#practice_name"' in answer.content.decode()
    assert not User.objects.exists()


def test_afterwards_it_is_closed_for_ever_even_to_the_browser_that_had_the_code(client: Browser) -> None:
    late, code = Browser(), make_code()
    enter(late, code)
    install(practice_name="Willow", owner_name="Mara Feld", owner_email="mara@example.org", password=PASSWORD)
    assert late.post(reverse("accounts:setup_owner"), FORM | {"owner_email": "eve@example.org"}).status_code == 404
    for browser in (late, client):
        for name in ("setup", "setup_owner"):
            assert browser.get(reverse(f"accounts:{name}")).status_code == 404
            assert browser.post(reverse(f"accounts:{name}"), {"code": code}).status_code == 404
    with pytest.raises(AlreadyInstalled):
        make_code()
    with pytest.raises(AlreadyInstalled):
        install(practice_name="B", owner_name="Eve", owner_email="eve@example.org", password=PASSWORD)
    assert not User.objects.filter(email="eve@example.org").exists()
    StaffMember.objects.all().delete()
    Practice.objects.all().delete()
    assert is_installed()
    assert client.get("/")["Location"] == reverse("account_login")


def test_an_installation_with_a_practice_from_elsewhere_is_closed_too(client: Browser) -> None:
    make_practice()
    assert client.get(reverse("accounts:setup")).status_code == 404
    with pytest.raises(UserError):
        make_code()
