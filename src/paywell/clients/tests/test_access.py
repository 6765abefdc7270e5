"""Whose accounts a person may open."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from django.contrib.auth.models import AnonymousUser

from paywell.accounts.models import Role
from paywell.accounts.tests.factories import make_clinician, make_practice, make_user
from paywell.accounts.types import StaffViewer
from paywell.clients.access import access_billing_account, access_client, access_portal
from paywell.clients.actions import create_billing_account, end_grant, set_client_payments_allowed
from paywell.clients.models import Contact
from paywell.clients.queries import list_clients, list_contacts
from paywell.clients.tests.factories import make_client, make_contact, make_grant, make_portal_user
from paywell.core import clock
from paywell.core.errors import NotFoundForViewer

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)


def test_one_query_makes_the_viewer(django_assert_num_queries):
    practice = make_practice()
    user, client = make_portal_user(practice)
    contact = Contact.objects.get(user=user)
    for _ in range(5):
        make_grant(contact, make_client(practice))
    with django_assert_num_queries(1):
        viewer = access_portal(user, client.default_account_id)
        assert all([viewer.practice.name, viewer.account.name, viewer.contact.name, viewer.rights[0].name])
    assert (viewer.id, viewer.client_ids) == (user.id, {client.id})
    assert len(viewer.choices) == 6


def test_several_grants_for_one_client_are_merged_and_children_share_an_account():
    practice = make_practice()
    mia = make_client(practice, legal_first_name="Mia")
    leo = make_client(
        practice, legal_first_name="Leonard", preferred_name="Leo", default_account=mia.default_account
    )
    user = make_user()
    parent = make_contact(practice, user=user)
    make_grant(parent, mia, role="guardian", may_pay=False, may_see_documents=True)
    make_grant(parent, mia, role="payer", may_pay=True, valid_from=date(2026, 2, 1))
    make_grant(parent, leo, role="payer", may_pay=True)
    viewer = access_portal(user, None)
    assert viewer.client_ids == viewer.payable_client_ids == {mia.id, leo.id}
    assert viewer.document_client_ids == {mia.id}
    assert viewer.diagnosis_client_ids == frozenset()
    assert [choice.names for choice in viewer.choices] == ["Leo and Mia"]


def test_the_clients_own_switch_takes_the_client_out_of_paying():
    user, client = make_portal_user(make_practice())
    set_client_payments_allowed(client=client, allowed=False, actor_id=None)
    viewer = access_portal(user, None)
    assert (viewer.client_ids, viewer.payable_client_ids) == ({client.id}, frozenset())


@pytest.mark.parametrize(
    ("valid_from", "valid_until"), [(date(2026, 11, 24), None), (date(2026, 1, 1), date(2026, 11, 22))]
)
def test_a_future_or_expired_grant_opens_nothing(valid_from, valid_until, caplog):
    user, _ = make_portal_user(make_practice(), valid_from=valid_from, valid_until=valid_until)
    with clock.set_to(NOON), pytest.raises(NotFoundForViewer):
        access_portal(user, None)
    assert f"access refused viewer={user.id} kind=account" in caplog.text


@pytest.mark.parametrize(
    ("zone", "moment", "opens"),
    [
        ("America/New_York", datetime(2026, 11, 23, 4, 59, tzinfo=UTC), False),  # still the 22nd there
        ("America/New_York", datetime(2026, 11, 23, 5, 0, tzinfo=UTC), True),
        ("America/New_York", datetime(2026, 11, 24, 4, 59, tzinfo=UTC), True),
        ("America/New_York", datetime(2026, 11, 24, 5, 0, tzinfo=UTC), False),
        ("Pacific/Kiritimati", datetime(2026, 11, 22, 10, 0, tzinfo=UTC), True),
        ("Pacific/Kiritimati", datetime(2026, 11, 22, 9, 59, tzinfo=UTC), False),
    ],
)
def test_today_is_the_day_where_the_practice_is(zone, moment, opens):
    day = date(2026, 11, 23)
    user, _ = make_portal_user(make_practice(timezone=zone), valid_from=day, valid_until=day)
    with clock.set_to(moment):
        if opens:
            assert access_portal(user, None).id == user.id
        else:
            with pytest.raises(NotFoundForViewer):
                access_portal(user, None)


def test_a_withdrawn_grant_opens_nothing_at_once():
    user, client = make_portal_user(make_practice())
    end_grant(grant=client.grants.get(), actor_id=None)
    with pytest.raises(NotFoundForViewer):
        access_portal(user, None)


def test_an_account_of_somebody_else_or_of_nobody_is_not_found(caplog):
    practice = make_practice()
    user, _ = make_portal_user(practice)
    _, other = make_portal_user(practice)
    for stranger in (other.default_account_id, UUID(int=7)):
        caplog.clear()
        with pytest.raises(NotFoundForViewer):
            access_portal(user, stranger)
        assert [r.levelno for r in caplog.records] == [logging.WARNING]
        assert f"target={stranger}" in caplog.text


def test_nobody_is_nobody():
    with pytest.raises(NotFoundForViewer):
        access_portal(AnonymousUser(), None)


def test_a_person_of_two_practices_sees_each_apart():
    here, there = make_practice(name="A"), make_practice(name="B")
    user, client = make_portal_user(here)
    far = make_client(there)
    make_grant(make_contact(there, user=user), far)
    viewer = access_portal(user, far.default_account_id)
    assert (viewer.practice.id, viewer.client_ids) == (there.id, {far.id})
    assert access_portal(user, None).client_ids == {client.id}
    assert [choice.practice_name for choice in viewer.choices] == ["A", "B"]


def _staff(practice, role=Role.BILLER, clinician=None):
    return StaffViewer(id=UUID(int=1), practice=practice, role=role, clinician_id=clinician and clinician.id)


def test_a_clinician_sees_their_own_clients_only(caplog):
    practice = make_practice()
    reyes = make_clinician(practice)
    own, other = make_client(practice, clinician=reyes), make_client(practice, clinician=make_clinician(practice))
    make_grant(make_contact(practice, name="Own"), own)
    make_grant(make_contact(practice, name="Other"), other)
    viewer = _staff(practice, Role.CLINICIAN, reyes)
    assert list(list_clients(viewer=viewer)) == [own]
    assert [c.name for c in list_contacts(viewer=viewer)] == ["Own"]
    assert access_client(viewer, own.id) == own
    assert access_billing_account(viewer, own.default_account_id) == own.default_account
    for refused in (lambda: access_client(viewer, other.id),
                    lambda: access_billing_account(viewer, other.default_account_id)):  # fmt: skip
        caplog.clear()
        with pytest.raises(NotFoundForViewer):
            refused()
        assert "access refused" in caplog.text
    lost = _staff(practice, Role.CLINICIAN)
    assert list(list_clients(viewer=lost)) == list(list_contacts(viewer=lost)) == []


def test_staff_of_one_practice_never_see_another_ones():
    here, there = make_practice(), make_practice()
    client = make_client(there)
    spare = create_billing_account(practice=there, name="Agency", actor_id=None)
    viewer = _staff(here, Role.OWNER)
    assert list(list_clients(viewer=viewer)) == []
    with pytest.raises(NotFoundForViewer):
        access_client(viewer, client.id)
    with pytest.raises(NotFoundForViewer):
        access_billing_account(viewer, spare.id)


def test_the_search_wants_every_word():
    practice = make_practice()
    ana = make_client(practice, legal_first_name="Ana", legal_last_name="Silva", phone="(202) 555-0143")
    make_client(practice, legal_first_name="Ana", legal_last_name="Brook")
    viewer = _staff(practice)
    assert list(list_clients(viewer=viewer, search="silva ana")) == [ana]
    assert list(list_clients(viewer=viewer, search="5550143")) == [ana]
    assert list(list_clients(viewer=viewer, search="' OR 1=1 --")) == []
