"""What may be written about clients, and what is refused without a trace."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from paywell.accounts.tests.factories import make_clinician, make_practice, make_user
from paywell.audit.models import AuditEvent
from paywell.clients import actions
from paywell.clients.models import BillingAccount, Client, Contact, Grant, StandingShare
from paywell.clients.tests.factories import make_client, make_contact, make_grant
from paywell.core import clock
from paywell.core.errors import UserError

pytestmark = pytest.mark.django_db


def _refused(code, call, **arguments):
    before = AuditEvent.objects.count()
    with pytest.raises(UserError) as refusal:
        call(**arguments, actor_id=None)
    assert refusal.value.code == code
    assert AuditEvent.objects.count() == before


def test_a_client_gets_an_account_of_their_own():
    client = make_client(make_practice(currency="CAD"), legal_first_name=" Ana ", legal_last_name="Silva")
    assert (client.legal_name, client.default_account.name) == ("Ana Silva", "Ana Silva")
    assert client.default_account.currency == "CAD"
    assert client.payments_allowed is True
    assert list(AuditEvent.objects.order_by("seq").values_list("action", flat=True)) == [
        "clients.create_billing_account",
        "clients.create_client",
    ]


def test_a_phone_number_is_kept_in_one_form():
    practice = make_practice()
    assert make_client(practice, phone="202.555.0143").phone == "+12025550143"
    assert make_client(practice, phone="+44 20 7946 0958").phone == "+442079460958"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"phone": "call me"}, "phone_invalid"),
        ({"phone": "555"}, "phone_invalid"),
        ({"email": "ana@"}, "email_invalid"),
        ({"legal_first_name": " "}, "legal_first_name_missing"),
        ({"legal_last_name": ""}, "legal_last_name_missing"),
        ({"sex": "?"}, "sex_invalid"),
        ({"birth_date": date(2100, 1, 1)}, "birth_date_invalid"),
    ],
)
def test_a_client_with_wrong_details_is_refused(wrong, code):
    fields = {"legal_first_name": "Ana", "legal_last_name": "Silva"} | wrong
    _refused(code, actions.create_client, practice=make_practice(), **fields)
    assert Client.objects.count() == BillingAccount.objects.count() == 0


def test_an_external_id_is_used_once_in_a_practice():
    practice = make_practice()
    make_client(practice, external_id="C-1")
    fields = {"legal_first_name": "Ana", "legal_last_name": "Silva", "external_id": "C-1"}
    _refused("external_id_taken", actions.create_client, practice=practice, **fields)
    assert make_client(make_practice(), external_id="C-1").external_id == "C-1"


def test_nothing_of_another_practice_can_be_put_on_a_client():
    practice, other = make_practice(), make_practice()
    fields = {"practice": practice, "legal_first_name": "Ana", "legal_last_name": "Silva"}
    foreign = make_client(other).default_account
    _refused("clinician_elsewhere", actions.create_client, **fields, clinician=make_clinician(other))
    _refused("account_elsewhere", actions.create_client, **fields, default_account=foreign)
    client = make_client(practice)
    _refused("clinician_elsewhere", actions.change_client, client=client, clinician=make_clinician(other))
    _refused("account_elsewhere", actions.set_standing_shares, client=client, shares={foreign.id: 10_000})
    assert StandingShare.objects.count() == 0


def test_changing_a_record_writes_the_names_of_the_fields_only():
    client = make_client(make_practice(), email="ana@example.org")
    changed = actions.change_client(client=client, email="Ana.New@example.org", phone="", actor_id=None)
    assert changed.email == "ana.new@example.org"
    assert AuditEvent.objects.latest("seq").detail == {"fields": ["email"]}
    with pytest.raises(TypeError):
        actions.change_client(client=client, actor_id=None, payments_allowed=False)


def test_shares_sum_to_all_of_a_service():
    practice = make_practice()
    client, other = make_client(practice), make_client(practice)
    mother, father = client.default_account_id, other.default_account_id
    actions.set_standing_shares(client=client, shares={mother: 6_667, father: 3_333}, actor_id=None)
    for shares, code in [
        ({mother: 5_000, father: 4_999}, "shares_sum"),
        ({mother: 10_001}, "share_range"),
        ({mother: 10_000, father: 0}, "share_range"),
        ({mother: 11_000, father: -1_000}, "share_range"),
    ]:
        _refused(code, actions.set_standing_shares, client=client, shares=shares)
    rows = StandingShare.objects.order_by("-basis_points").values_list("account_id", "basis_points")
    assert list(rows) == [(mother, 6_667), (father, 3_333)]
    actions.set_standing_shares(client=client, shares={}, actor_id=None)
    assert StandingShare.objects.count() == 0


def test_a_grant_begins_today_where_the_practice_is():
    practice = make_practice(timezone="America/Los_Angeles")
    client, contact = make_client(practice), make_contact(practice)
    with clock.set_to(datetime(2026, 11, 23, 3, 0, tzinfo=UTC)):
        grant = make_grant(contact, client, valid_from=None)
    assert grant.valid_from == date(2026, 11, 22)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"may_see_diagnosis": True}, "diagnosis_needs_documents"),
        ({"valid_until": date(2025, 12, 31)}, "grant_dates"),
        ({"role": "friend"}, "role_invalid"),
    ],
)
def test_a_grant_that_makes_no_sense_is_refused(wrong, code):
    practice = make_practice()
    contact, client = make_contact(practice), make_client(practice)
    fields = {"role": "payer", "valid_from": date(2026, 1, 1), "account": client.default_account} | wrong
    _refused(code, actions.grant_access, contact=contact, client=client, **fields)
    assert Grant.objects.count() == 0


def test_a_grant_never_crosses_practices():
    here, there = make_practice(), make_practice()
    contact, client, foreign = make_contact(here), make_client(here), make_client(there)
    own, far = client.default_account, foreign.default_account
    _refused("client_elsewhere", actions.grant_access, contact=contact, client=foreign, account=own, role="payer")
    _refused("account_elsewhere", actions.grant_access, contact=contact, client=client, account=far, role="payer")
    assert Grant.objects.count() == 0


def test_a_grant_is_given_once_and_again_after_it_was_withdrawn():
    practice = make_practice()
    contact, client = make_contact(practice), make_client(practice)
    grant = make_grant(contact, client)
    with pytest.raises(UserError) as refusal:
        make_grant(contact, client)
    assert refusal.value.code == "grant_exists"
    actions.end_grant(grant=grant, actor_id=None)
    make_grant(contact, client)
    assert Grant.objects.filter(withdrawn_at=None).count() == 1


def test_a_grant_cannot_end_before_it_began():
    practice = make_practice()
    grant = make_grant(make_contact(practice), make_client(practice))
    _refused("grant_dates", actions.end_grant, grant=grant, last_day=date(2025, 12, 31))
    assert actions.end_grant(grant=grant, last_day=date(2026, 1, 1), actor_id=None).valid_until == date(2026, 1, 1)


def test_one_sign_in_is_one_contact_of_a_practice():
    practice = make_practice()
    user = make_user()
    make_contact(practice, user=user)
    _refused("contact_user_taken", actions.create_contact, practice=practice, name="Twice", user=user)
    assert Contact.objects.count() == 1
