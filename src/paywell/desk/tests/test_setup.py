"""The set-up's list and its command: each step saves by itself, and what is open is read from what there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client as Browser
from django.urls import reverse

from paywell.accounts.installation import install, use_code
from paywell.accounts.models import Invitation, Role, User
from paywell.accounts.tests.factories import PASSWORD, make_staff
from paywell.care.models import CatalogItem, Service
from paywell.clients.models import Client
from paywell.core import clock
from paywell.desk.tests.factories import Desk
from paywell.payments.models import ProcessorAccount
from paywell.practice.models import Clinician, Practice
from paywell.practice.tests.test_logo import png as make_png

OWNER = ["--practice", "Willow Creek", "--owner-name", "Mara Feld", "--owner-email", "mara@example.org"]
STEPS = ["practice", "clinicians", "catalogue", "processor", "switch", "look", "client"]
DETAILS = {
    "name": "Willow Creek", "phone": "(303) 555-0142", "street": "1 Main Street", "city": "Golden", "state": "CO",
    "postal_code": "80401", "tax_id_kind": "EIN", "tax_id": "12-3456789", "timezone": "America/Denver",
    "payment_terms_days": "14", "pay_link_days": "30", "invoice_prefix": "INV-",
}  # fmt: skip


@pytest.fixture
def empty(db: None) -> Iterator[None]:
    with clock.set_to(datetime(2026, 11, 23, 18, tzinfo=UTC)):
        yield


@pytest.fixture
def owner(empty: None, client: Browser) -> Browser:
    user, _ = install(
        practice_name="Willow", owner_name="Mara Feld", owner_email="mara@example.org", password=PASSWORD
    )
    client.force_login(user)
    return client


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    problems: list[str] = []
    monkeypatch.setattr("paywell.desk.actions.try_connection", lambda **given: list(problems))
    return problems


def done(browser: Browser) -> list[str]:
    checklist = browser.get(reverse("desk:setup")).context["checklist"]
    assert [step.code for step in checklist.steps] == STEPS
    return [step.code for step in checklist.steps if step.is_done]


def step(browser: Browser, page_name: str, /, **form: Any) -> None:
    """Send a step's form as the list leads to it; it comes back to the list."""
    address = reverse(f"desk:{page_name}") + "?setup=1"
    page = browser.get(address)
    assert "Set-up" in page.content.decode()
    answer = browser.post(address, form)
    assert (answer.status_code, answer["Location"]) == (302, reverse("desk:setup"))


def test_each_step_saves_by_itself_and_the_list_shows_what_is_open(owner: Browser, tried: list[str]) -> None:
    assert done(owner) == []
    inbox = owner.get(reverse("desk:inbox")).content.decode()
    assert "0 of 7 done" in inbox
    assert "Still missing" not in inbox
    step(owner, "settings_practice", **DETAILS)
    step(owner, "clinician_new", name="Mara Feld", credentials="LCSW", npi="1234567893", is_active="on")
    assert done(owner) == STEPS[:2]
    step(owner, "catalog_item_new", code="IND50", wording="Individual session", kind="session", fee="140")
    assert owner.post(reverse("desk:setup_try")).status_code == 302
    assert owner.post(reverse("desk:payments_allowed") + "?setup=1", {"allowed": "yes"}).status_code == 302
    assert done(owner) == STEPS[:5]
    logo = SimpleUploadedFile("logo.png", make_png(), "image/png")
    step(owner, "settings_look", accent="#27508f", logo=logo)
    step(owner, "client_new", legal_first_name="Ada", legal_last_name="Brook", email="ada@example.org", invite="on")
    assert done(owner) == STEPS
    assert Invitation.objects.get(subject_kind="contact").email == "ada@example.org"
    assert "Set-up" not in owner.get(reverse("desk:inbox")).content.decode()
    assert "You are ready" in owner.get(reverse("desk:setup")).content.decode()


def test_a_page_of_the_settings_that_is_no_step_leads_to_the_settings(owner: Browser) -> None:
    answer = owner.post(reverse("desk:settings_practice"), DETAILS)
    assert answer["Location"] == reverse("desk:settings")


def test_the_list_can_be_put_away_and_then_the_gaps_are_said_one_by_one(owner: Browser) -> None:
    owner.post(reverse("desk:setup_close"))
    inbox = owner.get(reverse("desk:inbox")).content.decode()
    assert "of 7 done" not in inbox
    assert "Still missing" in inbox


def test_nobody_but_who_changes_settings_sees_the_list(owner: Browser) -> None:
    browser = Browser()
    browser.force_login(make_staff(Practice.objects.get(), Role.BILLER).user)
    assert "of 7 done" not in browser.get(reverse("desk:inbox")).content.decode()


def test_the_test_processor_is_connected_only_where_it_answers_and_is_allowed(
    owner: Browser, tried: list[str], settings: Any
) -> None:
    tried.append("Nobody answers.")
    answer = owner.post(reverse("desk:setup_try"), follow=True)
    assert "Nobody answers. Start the test processor" in answer.content.decode()
    assert not ProcessorAccount.objects.exists()
    tried.clear()
    settings.ALLOW_TEST_PROCESSORS = False
    assert "test processor" not in owner.get(reverse("desk:setup")).content.decode()
    assert owner.post(reverse("desk:setup_try")).status_code == 404
    assert not ProcessorAccount.objects.exists()


def test_the_look_keeps_the_logo_until_it_is_removed(desk: Desk) -> None:
    browser, address = desk.browser(), reverse("desk:settings_look")
    browser.post(address, {"accent": "#224466", "logo": SimpleUploadedFile("logo.png", make_png(), "image/png")})
    kept = Practice.objects.get(pk=desk.practice.pk)
    assert (kept.accent, bool(kept.logo_digest)) == ("#224466", True)
    browser.post(address, {"accent": "#112233"})
    assert Practice.objects.get(pk=desk.practice.pk).logo_digest == kept.logo_digest
    assert browser.post(address, {"accent": "#zzzzzz", "remove_logo": "on"}).status_code == 422
    browser.post(address, {"accent": "#112233", "remove_logo": "on"})
    assert Practice.objects.get(pk=desk.practice.pk).logo_digest == ""


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("setup", "--no-input", *arguments, stdout=out)
    return out.getvalue()


def test_one_command_goes_from_nothing_to_the_first_invited_client(
    empty: None, tried: list[str], tmp_path: Path
) -> None:
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    (tmp_path / "logo.png").write_bytes(make_png())
    said = run(
        *OWNER, "--owner-password-file", str(tmp_path / "password"), "--timezone", "America/Denver",
        "--phone", "(303) 555-0142", "--street", "1 Main Street", "--tax-id", "12-3456789",
        "--clinician", "Mara Feld|LCSW|1234567893", "--clinician", "Jo Ade",
        "--item", "IND50|Individual session|140.00", "--processor", "test_inline", "--allow-payments",
        "--accent", "#27508f", "--logo", str(tmp_path / "logo.png"), "--client", "Ada|Brook|ada@example.org",
    )  # fmt: skip
    assert said.count(": done") == 7
    practice = Practice.objects.get()
    assert (practice.phone, practice.timezone, practice.payments_allowed) == (
        "+13035550142",
        "America/Denver",
        True,
    )
    assert User.objects.get(email="mara@example.org").check_password(PASSWORD)
    assert list(Clinician.objects.order_by("name").values_list("name", "credentials", "npi")) == [
        ("Jo Ade", "", ""),
        ("Mara Feld", "LCSW", "1234567893"),
    ]
    assert CatalogItem.objects.get().fee_minor == 14_000
    assert ProcessorAccount.objects.get().connector == "test_inline"
    assert Invitation.objects.get(subject_kind="contact").email == "ada@example.org"


def test_it_goes_on_where_it_was_left(empty: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYWELL_OWNER_PASSWORD", PASSWORD)
    assert run(*OWNER).count(": open") == 7
    assert "Catalogue: done" in run("--item", "IND50|Individual session|140.00")
    said = run("--client", "Ada|Brook|ada@example.org")
    assert "Ada Brook is invited." in said
    assert User.objects.filter(staff_memberships__isnull=False).count() == 1


def test_without_a_terminal_what_is_missing_is_named_and_nothing_is_made(empty: None) -> None:
    with pytest.raises(CommandError, match="Give --owner-name, --owner-email, or run this in a terminal"):
        run("--practice", "Willow Creek")
    with pytest.raises(CommandError, match="Give --owner-password-file"):
        run(*OWNER)
    assert not Practice.objects.exists()
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--clinician", "a|b|c|d"], "Write it as NAME"),
        (["--item", "IND50|Session"], "Write it as CODE"),
        (["--item", "IND50|Session|much"], "amount"),
        (["--client", "Ada|Brook|ada"], "e-mail"),
        (["--processor", "nonsense"], "There is no processor"),
        (["--allow-payments"], "Connect a processor first"),
    ],
)
def test_a_line_that_is_wrong_is_said_and_makes_nothing(
    empty: None, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.setenv("PAYWELL_OWNER_PASSWORD", PASSWORD)
    run(*OWNER)
    with pytest.raises(CommandError, match=said):
        run(*arguments)
    assert (Clinician.objects.count(), CatalogItem.objects.count(), Client.objects.count()) == (0, 0, 0)


def test_questions_are_asked_on_a_terminal_until_an_empty_answer(
    empty: None, tried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # An empty name of the practice is asked again, and each answer that is wrong, alone.
    answers = iter(
        """

Willow Creek
Mara Feld
mara
mara@example.org
9
3
12
(303) 555-0142

1 Main Street
Golden
Colorado
8040
80401
12-34
12-3456789

Mara Feld|LCSW|1234567893

wrong
IND50|Individual session|140

y
yes
blue
#27508f
Ada|Brook
Ada|Brook|ada@example.org""".splitlines()[1:]
    )
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return next(answers)

    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    passwords = iter(("short", PASSWORD))
    monkeypatch.setattr("paywell.desk.management.commands.setup.getpass", lambda question: next(passwords))
    out, wrong = StringIO(), StringIO()
    call_command("setup", stdout=out, stderr=wrong)
    assert next(answers, None) is None
    for words in (
        "Enter an e-mail address, like name@example.org.",
        "Enter a number from 1 to 7, or a time zone like America/Denver.",
        "This password is too short.",
        "Enter a phone number with its area code",
        "A ZIP code has five digits",
        "An EIN has nine digits",
        "Write it as CODE|WORDING|FEE",
        "Write the color as #rrggbb.",
        "Write it as FIRST|LAST|EMAIL",
    ):
        assert wrong.getvalue().count(words) == 1, words
    assert "  3  Mountain Time, Denver" in out.getvalue()
    assert out.getvalue().count(": done") == 7
    practice = Practice.objects.get()
    assert (practice.timezone, practice.state, practice.accent) == ("America/Denver", "CO", "#27508f")
    assert practice.payments_allowed


def test_a_test_processor_that_does_not_answer_leaves_the_rest_of_the_set_up_to_go_on(
    empty: None, tried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried.append("Nobody answers.")
    monkeypatch.setenv("PAYWELL_OWNER_PASSWORD", PASSWORD)
    run(*OWNER)
    answers = iter(["", "", "", "", "", "", "", "", "", "", "y", "", "Ada|Brook|ada@example.org"])
    monkeypatch.setattr("builtins.input", lambda question: next(answers))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    out, wrong = StringIO(), StringIO()
    call_command("setup", stdout=out, stderr=wrong)
    assert next(answers, None) is None
    assert "Nobody answers. Start the test processor with: paywell test-processor" in wrong.getvalue()
    assert not ProcessorAccount.objects.exists()
    assert "Ada Brook is invited." in out.getvalue()


def test_the_code_for_the_browser_is_printed_and_works(empty: None) -> None:
    said = run("--code")
    assert use_code(said.rpartition(": ")[2].strip())
    assert not Practice.objects.exists()


def test_the_time_zones_of_most_practices_come_first_and_each_once(desk: Desk) -> None:
    form = desk.browser().get(reverse("desk:settings_practice")).context["form"]
    zones = [zone for zone, _ in form.fields["timezone"].choices]
    assert zones[:4] == ["America/New_York", "America/Chicago", "America/Denver", "America/Phoenix"]
    assert len(zones) == len(set(zones))


def test_a_logo_is_taken_away_only_where_there_is_one(desk: Desk) -> None:
    browser, address, words = desk.browser(), reverse("desk:settings_look"), "Show no logo any more"
    assert words not in browser.get(address).content.decode()
    browser.post(address, {"accent": "#224466", "logo": SimpleUploadedFile("logo.png", make_png(), "image/png")})
    assert words in browser.get(address).content.decode()


def test_the_set_up_folds_away_what_can_wait_and_opens_it_where_it_is_wrong(owner: Browser) -> None:
    page = f"{reverse('desk:settings_practice')}?setup=1"
    text = owner.get(page).content.decode()
    before, folded = text.split('<details>\n  <summary class="fold">What can wait')
    assert ('name="street"' in before, 'name="payment_terms_days"' in before) == (True, False)
    assert 'name="payment_terms_days"' in folded
    assert "What can wait" not in owner.get(reverse("desk:settings_practice")).content.decode()
    wrong = owner.post(page, DETAILS | {"payment_terms_days": "-1"})
    assert wrong.status_code == 422
    assert '<details open>\n  <summary class="fold">What can wait' in wrong.content.decode()
    assert not Practice.objects.filter(street="1 Main Street").exists()


FOLD = '<summary class="fold">More details'


def test_a_new_client_is_asked_for_little_and_nothing_is_lost_in_the_fold(owner: Browser) -> None:
    page = reverse("desk:client_new")
    before, folded = owner.get(page).content.decode().split(FOLD)
    assert before.endswith("<details>\n  ")
    assert ('name="legal_first_name"' in before, 'name="birth_date"' in before) == (True, False)
    assert 'name="birth_date"' in folded
    assert "Date of birth, Sex, as the insurer has it, Street" in folded
    said = {"legal_first_name": "Ada", "legal_last_name": "Brook", "city": "Golden", "birth_date": "no day"}
    wrong = owner.post(page, said)
    assert wrong.status_code == 422
    before, folded = wrong.content.decode().split(FOLD)
    assert before.endswith("<details open>\n  ")
    assert 'value="Golden"' in folded
    assert not Client.objects.filter(legal_last_name="Brook").exists()
    assert owner.post(page, said | {"birth_date": "1990-02-01"}).status_code == 302
    client = Client.objects.get(legal_last_name="Brook")
    assert client.city == "Golden"
    assert FOLD not in owner.get(reverse("desk:client_edit", args=[client.id])).content.decode()


def test_a_service_is_recorded_with_what_most_people_need_and_a_repeated_one_shows_the_rest(desk: Desk) -> None:
    page = reverse("desk:service_new", args=[desk.client.id])
    before, folded = desk.browser().get(page).content.decode().split(FOLD)
    for name in ("catalog_item", "on", "clinician"):
        assert f'name="{name}"' in before
    for name in ("units", "fee", "insurer", "modifiers", "times", "place_of_service"):
        assert (f'name="{name}"' in before, f'name="{name}"' in folded) == (False, True)
    answer = desk.browser().post(page, {"units": "3"}).content.decode()
    assert answer.split(FOLD)[0].endswith("<details open>\n  ")
    assert re.search(
        rf'<label class="choice"[^>]*><input type="checkbox" name="diagnoses" value="{desk.diagnosis.id}"', before
    )
    Service.objects.filter(pk=desk.service.pk).update(modifiers="GT")
    assert FOLD not in desk.browser().get(f"{page}?like={desk.service.id}").content.decode()


def test_the_only_clinician_is_chosen_for_a_new_client(desk: Desk) -> None:
    page, chosen = reverse("desk:client_new"), f'value="{desk.clinician.id}" selected'
    assert chosen in desk.browser().get(page).content.decode()
    Clinician.objects.create(practice=desk.practice, name="Priya Castellan")
    assert chosen not in desk.browser().get(page).content.decode()
