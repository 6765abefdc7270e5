from __future__ import annotations

import pytest

from paywell.audit.models import AuditEvent
from paywell.core.errors import UserError
from paywell.practice.actions import (
    add_clinician,
    add_location,
    create_practice,
    set_payments_allowed,
    update_clinician,
    update_practice,
)
from paywell.practice.models import Clinician, Practice

pytestmark = pytest.mark.django_db


def test_a_practice_is_made_with_clean_values_and_payments_off() -> None:
    practice = create_practice(
        name=" Willow Creek Therapy ",
        phone="(303) 555-0142",
        email="Hello@Willow.Example.org",
        state="co",
        tax_id="931234567",
        npi="1234567893",
        actor_id=None,
    )
    practice.refresh_from_db()
    assert (practice.name, practice.slug) == ("Willow Creek Therapy", "willow-creek-therapy")
    assert (practice.phone, practice.email) == ("+13035550142", "hello@willow.example.org")
    assert (practice.state, practice.tax_id, practice.payments_allowed) == ("CO", "93-1234567", False)


def test_a_name_in_another_script_makes_a_practice_too() -> None:
    practice = create_practice(name="心理診所", actor_id=None)
    assert (practice.name, practice.slug) == ("心理診所", "practice")


def test_two_practices_never_share_a_short_name() -> None:
    create_practice(name="Willow", actor_id=None)
    with pytest.raises(UserError) as refused:
        create_practice(name="Willow", actor_id=None)
    assert refused.value.code == "slug_taken"
    assert Practice.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("phone", "12", "phone_invalid"),
        ("email", "nobody", "email_invalid"),
        ("state", "Bavaria", "state_invalid"),
        ("postal_code", "8040", "postal_code_invalid"),
        ("npi", "1234567890", "npi_invalid"),
        ("timezone", "Mars/Olympus", "timezone_invalid"),
        ("accent", "teal", "accent_invalid"),
        ("payment_terms_days", 400, "terms_invalid"),
        ("name", "  ", "name_missing"),
    ],
)
def test_bad_values_of_a_practice_are_refused_and_change_nothing(field: str, value: object, code: str) -> None:
    practice = create_practice(name="Willow", actor_id=None)
    before = Practice.objects.values().get()
    with pytest.raises(UserError) as refused:
        update_practice(practice=practice, actor_id=None, **{field: value})
    assert (refused.value.code, refused.value.field) == (code, field)
    assert Practice.objects.values().get() == before


def test_the_audit_names_changed_fields_and_never_their_values() -> None:
    practice = create_practice(name="Willow", actor_id=None)
    update_practice(practice=practice, city="Golden", tax_id="93-1234567", name="Willow", actor_id=None)
    event = AuditEvent.objects.get(action="practice.update_practice")
    assert event.detail == {"fields": ["city", "tax_id"]}
    update_practice(practice=practice, city="Golden", actor_id=None)
    assert AuditEvent.objects.filter(action="practice.update_practice").count() == 1


def test_the_payment_switch_is_audited_once_for_each_change() -> None:
    practice = create_practice(name="Willow", actor_id=None)
    for allowed in (True, True, False):
        set_payments_allowed(practice=practice, allowed=allowed, actor_id=None)
        assert Practice.objects.get().payments_allowed is allowed
    events = AuditEvent.objects.filter(action="practice.set_payments_allowed").order_by("seq")
    assert [event.detail for event in events] == [{"allowed": True}, {"allowed": False}]


def test_a_clinician_has_a_checked_npi_and_an_external_id_of_their_own() -> None:
    practice = create_practice(name="Willow", actor_id=None)
    mara = add_clinician(practice=practice, name="Mara Feldt", npi="1234567893", external_id="7", actor_id=None)
    with pytest.raises(UserError) as refused:
        add_clinician(practice=practice, name="Jonas Adeyemi", external_id="7", actor_id=None)
    assert refused.value.code == "external_id_taken"
    with pytest.raises(UserError):
        update_clinician(clinician=mara, npi="123", actor_id=None)
    assert (
        update_clinician(clinician=mara, external_id="7", credentials="LCSW", actor_id=None).credentials == "LCSW"
    )
    assert Clinician.objects.get().npi == "1234567893"


def test_a_supervisor_works_at_the_same_practice() -> None:
    here, there = (create_practice(name=name, actor_id=None) for name in ("Willow", "Harbor"))
    foreign = add_clinician(practice=there, name="Ruth Lindqvist", actor_id=None)
    with pytest.raises(UserError) as refused:
        add_clinician(practice=here, name="Mara Feldt", supervisor=foreign, actor_id=None)
    assert refused.value.code == "supervisor_invalid"


def test_an_unknown_field_is_a_fault_of_the_program() -> None:
    practice = create_practice(name="Willow", actor_id=None)
    with pytest.raises(TypeError):
        update_practice(practice=practice, payments_allowed=True, actor_id=None)
    with pytest.raises(TypeError):
        add_location(practice=practice, name="Alder", color="red", actor_id=None)


def test_the_address_to_which_payments_are_sent_is_whole_or_none() -> None:
    practice = create_practice(name="Willow", actor_id=None)
    before = Practice.objects.values().get()
    with pytest.raises(UserError) as refused:
        update_practice(practice=practice, actor_id=None, pay_to_street="PO Box 9", pay_to_city="Golden")
    assert (refused.value.code, refused.value.field) == ("pay_to_incomplete", "pay_to_state")
    assert Practice.objects.values().get() == before
    address = {"pay_to_street": "PO Box 9", "pay_to_city": "Golden", "pay_to_state": "co"}
    row = update_practice(practice=practice, actor_id=None, pay_to_postal_code="80402", **address)
    assert (row.pay_to_state, row.pay_to_name) == ("CO", "")
    assert update_practice(practice=row, actor_id=None, pay_to_name="Willow Billing LLC").pay_to_city == "Golden"
