"""A link by which one person sets up their sign-in, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from allauth.account.models import EmailAddress

from paywell.accounts import actions
from paywell.accounts.errors import BadInvitation, SignInFirst
from paywell.accounts.invitations import get_link, make_token, read_token
from paywell.accounts.models import Invitation, User
from paywell.accounts.tests.factories import PASSWORD, make_practice, make_staff, make_user
from paywell.clients.actions import invite_contact
from paywell.clients.tests.factories import make_client, make_contact, make_grant
from paywell.core import clock
from paywell.core.errors import UserError
from paywell.outbox.models import OutboxEvent

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def contact():
    practice = make_practice()
    contact = make_contact(practice, name="Ana Silva", email="Ana@Example.org")
    make_grant(contact, make_client(practice))
    return contact


@pytest.fixture
def token(contact):
    with clock.set_to(NOW):
        return invite_contact(contact=contact, invited_by=None)[1]


def test_accepting_makes_a_sign_in_with_a_verified_address(contact, token):
    with clock.set_to(NOW):
        user = actions.accept_invitation(token, PASSWORD)
    contact.refresh_from_db()
    assert (contact.user, user.email, user.name) == (user, "ana@example.org", "Ana Silva")
    assert user.check_password(PASSWORD)
    assert EmailAddress.objects.get(user=user).verified is True
    assert Invitation.objects.get().accepted_by == user


def test_the_database_holds_no_token_and_the_mail_job_rebuilds_the_link(token):
    invitation = Invitation.objects.get()
    event = OutboxEvent.objects.get()
    assert (event.kind, event.payload) == ("accounts.invitation_created", {"invitation_id": str(invitation.id)})
    assert get_link(invitation) == f"http://testserver/invitation/{token}/"
    signature = token.split(".")[1]
    assert signature not in str(Invitation.objects.values().get()) + str(OutboxEvent.objects.values().get())


def test_a_link_works_once(token):
    with clock.set_to(NOW):
        actions.accept_invitation(token, PASSWORD)
        with pytest.raises(BadInvitation):
            actions.accept_invitation(token, "another long password")
    assert User.objects.get().check_password(PASSWORD)


@pytest.mark.parametrize(("age", "works"), [(timedelta(days=14, seconds=-1), True), (timedelta(days=14), False)])
def test_a_link_works_for_fourteen_days(token, age, works):
    with clock.set_to(NOW + age):
        if works:
            actions.accept_invitation(token, PASSWORD)
        else:
            with pytest.raises(BadInvitation):
                actions.accept_invitation(token, PASSWORD)
    assert User.objects.exists() is works


def test_a_newer_link_or_withdrawing_ends_the_older(contact, token):
    with clock.set_to(NOW):
        newer, newer_token = invite_contact(contact=contact, invited_by=None)
        with pytest.raises(BadInvitation):
            actions.accept_invitation(token, PASSWORD)
        actions.withdraw_invitation(invitation=newer, actor_id=None)
        with pytest.raises(BadInvitation):
            actions.accept_invitation(newer_token, PASSWORD)
    assert User.objects.count() == 0


@pytest.mark.parametrize("password", ["fourteen chars", "aaaaaaaaaaaaaa", "", "ana@example.org"])
def test_a_password_below_fifteen_characters_or_like_the_address_is_refused(token, password):
    with clock.set_to(NOW), pytest.raises(UserError) as refusal:
        actions.accept_invitation(token, password)
    assert (refusal.value.code, refusal.value.field) == ("password_weak", "password")
    assert (User.objects.count(), Invitation.objects.get().accepted_at) == (0, None)


def test_somebody_with_a_sign_in_accepts_while_signed_in_as_that_person_only(contact, token):
    owner, other = make_user(email="ana@example.org"), make_user()
    with clock.set_to(NOW):
        for signed_in in (None, other):
            with pytest.raises(SignInFirst):
                actions.accept_invitation(token, "a password of an attacker", signed_in=signed_in)
        assert actions.accept_invitation(token, signed_in=owner) == owner
    contact.refresh_from_db()
    owner.refresh_from_db()
    assert contact.user == owner
    assert owner.check_password(PASSWORD)


def test_one_person_is_not_two_contacts_of_a_practice(contact, token):
    owner = make_user(email="ana@example.org")
    make_contact(contact.practice, user=owner)
    with clock.set_to(NOW), pytest.raises(UserError) as refusal:
        actions.accept_invitation(token, signed_in=owner)
    assert refusal.value.code == "contact_user_taken"
    assert Invitation.objects.get().accepted_at is None


def test_who_can_sign_in_already_is_not_invited_and_nobody_without_address(contact):
    practice = contact.practice
    with pytest.raises(UserError) as refusal:
        invite_contact(contact=make_contact(practice, email=""), invited_by=None)
    assert refusal.value.code == "email_missing"
    with pytest.raises(UserError) as refusal:
        invite_contact(contact=make_contact(practice, user=make_user()), invited_by=None)
    assert refusal.value.code == "already_signs_in"
    assert Invitation.objects.count() == 0


def test_a_staff_member_sets_the_first_password_by_invitation():
    practice = make_practice()
    user = make_user(email="new@example.org", password=None)
    member = make_staff(practice, user=user)
    _, token = actions.invite(
        practice=practice, email=user.email, subject_kind="staff", subject_id=member.id, invited_by=None
    )
    assert actions.accept_invitation(token, PASSWORD).check_password(PASSWORD)


def test_forged_tokens_are_nothing():
    good = make_token(UUID(int=1))
    assert read_token(good) == UUID(int=1)
    for forged in (good[:-1], "0" * 32 + good[32:], "x", "", good.replace(".", ":"), "\x00"):
        assert read_token(forged) is None


def test_the_pages_from_the_link_to_signed_in(client, token):
    with clock.set_to(NOW):
        answer = client.get(f"/invitation/{token}/")
        assert answer["Location"] == "/invitation/"
        page = client.get("/invitation/").content.decode()
        assert "ana@example.org" in page
        assert 'autocomplete="new-password"' in page
        short = client.post("/invitation/", {"password": "fourteen chars"})
        assert short.status_code == 422
        assert "at least 15 characters" in short.content.decode()
        assert User.objects.count() == 0
        done = client.post("/invitation/", {"password": PASSWORD})
    assert done["Location"] == "/"
    assert client.session["_auth_user_id"] == str(User.objects.get().id)


def test_wrong_expired_withdrawn_and_used_links_get_the_same_page(client, contact, token):
    def page(link_token, at=NOW):
        with clock.set_to(at):
            client.get(f"/invitation/{link_token}/")
            answer = client.get("/invitation/")
        return answer.status_code, answer.content

    wrong = page("nonsense")
    assert wrong[0] == 404
    assert page(token, NOW + timedelta(days=15)) == wrong
    with clock.set_to(NOW):
        actions.withdraw_invitation(invitation=Invitation.objects.get(), actor_id=None)
    assert page(token) == wrong
    with clock.set_to(NOW):
        used = invite_contact(contact=contact, invited_by=None)[1]
        actions.accept_invitation(used, PASSWORD)
    assert page(used) == wrong


def test_the_page_asks_who_is_signed_in_as_somebody_else_to_sign_out(client, token):
    with clock.set_to(NOW):
        client.force_login(make_user(email="other@example.org"))
        client.get(f"/invitation/{token}/")
        assert "other@example.org" in client.get("/invitation/").content.decode()
        client.post("/invitation/", {"password": PASSWORD})
    assert Invitation.objects.get().accepted_at is None


def test_the_page_asks_an_owner_of_a_sign_in_to_sign_in_first(client, token):
    make_user(email="ana@example.org")
    with clock.set_to(NOW):
        client.get(f"/invitation/{token}/")
        page = client.get("/invitation/").content.decode()
        assert 'name="password"' not in page
        assert (
            client.post("/invitation/", {"password": "x" * 20})["Location"] == "/account/login/?next=/invitation/"
        )
    assert Invitation.objects.get().accepted_at is None
