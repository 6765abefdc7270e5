"""The switches, the processor, the practice, clinicians, catalogue, staff, the audit."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from paywell.accounts.models import Invitation, Role, StaffMember
from paywell.audit.models import AuditEvent
from paywell.care.models import CatalogItem
from paywell.clients.models import Client
from paywell.desk.tests.factories import Desk
from paywell.payments.models import ProcessorAccount
from paywell.practice.models import Clinician, Location, Practice


def url(name: str, *ids: Any) -> str:
    return reverse(f"desk:{name}", args=ids)


def test_the_organizations_switch_is_grey_with_its_reason_until_a_processor_is_connected(desk: Desk) -> None:
    browser = desk.browser()
    ProcessorAccount.objects.update(is_active=False)
    text = browser.get(url("settings")).content.decode()
    assert "Allow Payments Through Client Portal" in text
    assert "Connect a card processor first" in text
    assert "disabled" in text.split('id="switch-why"')[1].split("</form>")[0]
    answer = browser.post(url("payments_allowed"), {"allowed": "yes"}, follow=True)
    assert "Connect a processor first" in answer.content.decode()
    assert not Practice.objects.get(pk=desk.practice.pk).payments_allowed


def test_the_organizations_switch_goes_on_and_off(desk: Desk) -> None:
    browser = desk.browser()
    for word, state in (("yes", True), ("no", False)):
        assert browser.post(url("payments_allowed"), {"allowed": word}).status_code == 302
        assert Practice.objects.get(pk=desk.practice.pk).payments_allowed is state


def test_the_clients_switch_goes_off_and_on(desk: Desk) -> None:
    browser = desk.browser()
    for word, state in (("no", False), ("yes", True)):
        browser.post(url("client_payments_allowed", desk.client.id), {"allowed": word})
        assert Client.objects.get(pk=desk.client.pk).payments_allowed is state


KEYS = {
    "base_url": "http://127.0.0.1:8001/",
    "account": "acct_1",
    "api_key": "k" * 20,
    "notice_secret": "s" * 20,
}


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the processor finds wrong with keys; empty until a test fills it."""
    problems: list[str] = []
    monkeypatch.setattr("paywell.desk.views.processors.try_connection", lambda **given: list(problems))
    return problems


def test_a_processor_is_disconnected_after_being_asked_and_another_connected(desk: Desk, tried: list[str]) -> None:
    browser = desk.browser()
    page = browser.get(url("processor_disconnect"))
    assert "Disconnect the processor" in page.content.decode()
    assert ProcessorAccount.objects.filter(is_active=True).count() == 1
    browser.post(url("processor_disconnect"))
    assert not ProcessorAccount.objects.filter(is_active=True).exists()
    assert "Test processor, two steps" in browser.get(url("processor_choose")).content.decode()
    answer = browser.post(url("processor_connect", "test_two_step"), KEYS, follow=True)
    active = ProcessorAccount.objects.get(is_active=True)
    assert (active.connector, active.live_mode) == ("test_two_step", False)
    assert active.settings == {"base_url": "http://127.0.0.1:8001", "account": "acct_1"}
    assert active.secrets == {"api_key": "k" * 20, "notice_secret": "s" * 20}
    assert "The processor is connected." in answer.content.decode()
    for page in ("settings", "processor", "processor_keys"):
        html = browser.get(url(page)).content.decode()
        assert "k" * 20 not in html
        assert "s" * 20 not in html


def test_keys_that_do_not_work_are_not_stored_and_said_in_words(desk: Desk, tried: list[str]) -> None:
    tried.append("The key is wrong.")
    before = list(ProcessorAccount.objects.values())
    browser = desk.browser()
    for address in (url("processor_connect", "test_two_step"), url("processor_keys")):
        answer = browser.post(address, KEYS)
        assert answer.status_code == 422
        assert "The key is wrong." in answer.content.decode()
        assert 'value="acct_1"' in answer.content.decode()  # nothing typed is lost, but for the secrets
        assert "k" * 20 not in answer.content.decode()
    assert list(ProcessorAccount.objects.values()) == before


def test_what_was_copied_from_elsewhere_is_refused_at_its_field(desk: Desk, tried: list[str]) -> None:
    answer = desk.browser().post(
        url("processor_connect", "test_two_step"), KEYS | {"base_url": "sk_1", "api_key": ""}
    )
    assert answer.status_code == 422
    html = answer.content.decode()
    assert "Enter an address, like http://127.0.0.1:8001." in html
    assert 'id="id_api_key_error"' in html


def test_changed_keys_leave_the_rest_and_the_old_secret_for_notices_valid(desk: Desk, tried: list[str]) -> None:
    active = ProcessorAccount.objects.get(is_active=True)
    active.settings = {"base_url": "http://127.0.0.1:8001", "account": "acct_1"}
    active.secrets = {"api_key": "old-key", "notice_secret": "old-secret"}
    active.save()
    browser = desk.browser()
    assert "It is stored. Leave this empty to keep it." in browser.get(url("processor_keys")).content.decode()
    form = {"base_url": "http://127.0.0.1:8001", "account": "acct_1", "api_key": "", "notice_secret": "new-secret"}
    assert browser.post(url("processor_keys"), form).status_code == 302
    active.refresh_from_db()
    assert active.secrets == {
        "api_key": "old-key", "notice_secret": "new-secret", "previous_notice_secret": "old-secret",
    }  # fmt: skip
    browser.post(url("processor_keys"), form)  # the same once more: nothing changes
    again = ProcessorAccount.objects.get(pk=active.pk)
    assert again.secrets == active.secrets
    event = AuditEvent.objects.get(action="payments.change_connection")
    assert event.detail == {"connector": "test_inline", "changed": ["notice_secret"]}


def test_the_connection_is_checked_when_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = desk.browser()
    for problems, said in ((["The key is wrong."], "The key is wrong."), ([], "The connection works.")):
        monkeypatch.setattr("paywell.desk.views.processors.check_connection", lambda account, p=problems: p)
        assert said in browser.post(url("processor_check"), follow=True).content.decode()


def test_no_test_processor_is_offered_where_they_are_refused(desk: Desk, settings: Any) -> None:
    settings.ALLOW_TEST_PROCESSORS = False
    browser = desk.browser()
    ProcessorAccount.objects.update(is_active=False)
    assert browser.post(url("processor_connect", "test_inline"), KEYS).status_code == 404
    assert browser.get(url("processor_connect", "nonsense")).status_code == 404
    assert not ProcessorAccount.objects.filter(is_active=True).exists()
    assert "Test processor" not in browser.get(url("processor_choose")).content.decode()


def test_settings_are_saved_and_refused_at_the_field(desk: Desk) -> None:
    browser = desk.browser()
    form = {
        "name": "Willow", "phone": "(303) 555-0142", "tax_id_kind": "EIN", "tax_id": "12-3456789", "npi": "123",
        "timezone": "America/Denver", "accent": "#224466", "payment_terms_days": "30", "pay_link_days": "14",
        "invoice_prefix": "W-",
    }  # fmt: skip
    answer = browser.post(url("settings_practice"), form)
    assert 'id="id_npi_error"' in answer.content.decode()
    assert browser.post(url("settings_practice"), form | {"npi": "1234567893"}).status_code == 302
    practice = Practice.objects.get(pk=desk.practice.pk)
    assert (practice.name, practice.payment_terms_days, practice.pay_link_days) == ("Willow", 30, 14)
    assert practice.npi == "1234567893"
    odd = browser.post(url("settings_practice"), form | {"npi": "1234567893", "tax_id": "00-1234567"}, follow=True)
    assert "No EIN is known to begin with 00" in odd.content.decode()
    practice.refresh_from_db()
    assert practice.tax_id == "00-1234567"


def test_clinicians_and_catalogue_grow(desk: Desk) -> None:
    browser = desk.browser()
    browser.post(url("clinician_new"), {"name": "Jo Ade", "npi": "", "is_active": "on"})
    browser.post(url("clinician_edit", desk.clinician.id), {"name": "Mara Feld", "credentials": "PhD"})
    assert set(Clinician.objects.values_list("name", "credentials", "is_active")) == {
        ("Jo Ade", "", True),
        ("Mara Feld", "PhD", False),
    }
    browser.post(url("catalog_item_new"), {"code": "grp", "wording": "Group", "kind": "session", "fee": "45"})
    assert CatalogItem.objects.get(code="GRP").fee_minor == 4_500
    browser.post(url("catalog_item_edit", desk.item.id), {"fee": "150.00"})
    desk.item.refresh_from_db()
    assert (desk.item.fee_minor, desk.item.is_active) == (15_000, False)


def test_a_place_says_where_payments_for_it_are_sent_whole_or_not_at_all(desk: Desk) -> None:
    browser = desk.browser()
    form = {"name": "The mill", "place_of_service": "11", "pay_to_street": "PO Box 9"}
    refused = browser.post(url("location_new"), form)
    assert refused.status_code == 422
    assert "whole address to which payments are sent" in refused.content.decode()
    before = Location.objects.filter(practice=desk.practice)
    assert [place.name for place in before] == ["Alder Street office"]
    whole = {"pay_to_city": "Golden", "pay_to_state": "co", "pay_to_postal_code": "80402"}
    assert browser.post(url("location_new"), form | whole).status_code == 302
    row = Location.objects.get(practice=desk.practice, name="The mill")
    assert (row.name, row.pay_to_street, row.pay_to_state) == ("The mill", "PO Box 9", "CO")
    assert "Payments sent elsewhere" in browser.get(url("locations")).content.decode()
    assert browser.post(url("location_edit", row.id), form | {"pay_to_street": ""}).status_code == 302
    row.refresh_from_db()
    assert (row.pay_to_street, row.pay_to_city, row.pay_to_postal_code) == ("", "", "")


def test_staff_are_added_invited_and_ended(desk: Desk) -> None:
    browser = desk.browser()
    form = {"name": "Jo", "email": "jo@example.org", "role": "biller"}
    browser.post(url("staff_new"), form)
    member = StaffMember.objects.get(user__email="jo@example.org")
    assert Invitation.objects.filter(subject_kind="staff", subject_id=member.id).count() == 1
    assert browser.post(url("staff_new"), form).status_code == 422
    waits = "Invited; no sign-in is set up yet."
    before = browser.get(url("staff")).content.decode().count(waits)
    member.user.set_password("calm-river-evening")
    member.user.save()
    assert browser.get(url("staff")).content.decode().count(waits) == before - 1
    own = desk.members[Role.OWNER]
    browser.post(url("staff_end", own.id))
    browser.post(url("staff_end", member.id))
    assert StaffMember.objects.get(pk=own.pk).ended_at is None
    assert StaffMember.objects.get(pk=member.pk).ended_at is not None


def test_a_role_is_changed_from_the_next_page_on_and_told_in_the_audit(desk: Desk) -> None:
    owner, biller = desk.browser(), desk.browser(Role.BILLER)
    member = desk.members[Role.BILLER]
    assert biller.get(url("invoice_batch")).status_code == 200
    page = owner.get(url("staff_role", member.id)).content.decode()
    assert '<option value="biller" selected>' in page
    said = owner.post(url("staff_role", member.id), {"role": "read_only"}, follow=True).content.decode()
    assert "is Read-only from now on." in said
    assert StaffMember.objects.get(pk=member.pk).role == Role.READ_ONLY
    assert biller.get(url("invoice_batch")).status_code == 404
    event = AuditEvent.objects.get(action="accounts.change_role")
    assert event.detail == {"before": "biller", "role": "read_only", "user": str(member.user_id)}
    owner.post(url("staff_role", member.id), {"role": "read_only"})
    assert AuditEvent.objects.filter(action="accounts.change_role").count() == 1


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"role": "clinician"}, "Choose which clinician signs in: they see their own clients only."),
        ({"role": "king"}, "Select a valid choice."),
        ({"role": ""}, "Choose one."),
    ],
)
def test_a_role_that_can_t_be_changes_nothing(desk: Desk, form: dict[str, str], words: str) -> None:
    desk.browser(Role.BILLER)
    member = desk.members[Role.BILLER]
    answer = desk.browser().post(url("staff_role", member.id), form)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert StaffMember.objects.get(pk=member.pk).role == Role.BILLER
    assert not AuditEvent.objects.filter(action="accounts.change_role").exists()


def test_nobody_changes_their_own_role_and_only_an_owner_anybodys(desk: Desk) -> None:
    desk.browser(Role.BILLER)
    own = desk.members[Role.OWNER]
    answer = desk.browser().post(url("staff_role", own.id), {"role": "biller"})
    assert answer.status_code == 422
    assert "change your own role. Ask another owner." in answer.content.decode()
    assert url("staff_role", own.id) not in desk.browser().get(url("staff")).content.decode()
    for role in (Role.BILLER, Role.CLINICIAN, Role.READ_ONLY):
        answer = desk.browser(role).post(url("staff_role", desk.members[Role.BILLER].id), {"role": "owner"})
        assert answer.status_code == 404
    assert StaffMember.objects.get(pk=own.pk).role == Role.OWNER
    assert StaffMember.objects.filter(role=Role.OWNER).count() == 1


def test_the_audit_names_who_did_what(desk: Desk) -> None:
    browser = desk.browser()
    browser.post(url("payments_allowed"), {"allowed": "yes"})
    assert "Turned online payments on or off" in browser.get(url("audit")).content.decode()


def test_a_form_without_the_token_changes_nothing(desk: Desk) -> None:
    from django.test import Client as Browser

    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(desk.members[Role.OWNER].user)
    assert browser.post(url("payments_allowed"), {"allowed": "yes"}).status_code == 403
    assert not Practice.objects.get(pk=desk.practice.pk).payments_allowed


def test_the_tax_number_is_never_sent_to_the_browser_whole(desk: Desk) -> None:
    text = desk.browser().get(url("settings_practice")).content.decode()
    assert "12-3456789" not in text
    assert "ends in 6789" in text
    form = {
        "name": "Willow",
        "tax_id_kind": "EIN",
        "tax_id": "",
        "timezone": "America/Denver",
        "accent": "#224466",
        "payment_terms_days": "30",
        "pay_link_days": "30",
    }
    browser = desk.browser()
    assert browser.post(url("settings_practice"), form).status_code == 302
    assert browser.post(url("settings_practice"), form | {"tax_id_kind": "SSN"}).status_code == 422
    assert Practice.objects.get(pk=desk.practice.pk).tax_id == "12-3456789"
