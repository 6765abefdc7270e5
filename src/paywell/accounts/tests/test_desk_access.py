"""Who may enter the desk."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import AnonymousUser

from paywell.accounts.access import access_desk
from paywell.accounts.actions import change_role, create_staff_member, end_staff_member
from paywell.accounts.models import Role, StaffMember
from paywell.accounts.tests.factories import make_clinician, make_practice, make_staff, make_user
from paywell.accounts.types import PERMISSIONS, Permission
from paywell.accounts.web import OPEN_PRACTICE
from paywell.core.errors import NotFoundForViewer, UserError

pytestmark = [pytest.mark.django_db, pytest.mark.urls("paywell.accounts.tests.desk_urls")]


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("permission", list(Permission))
def test_a_role_may_what_its_row_of_the_table_says_and_nothing_else(role, permission):
    practice = make_practice()
    clinician = make_clinician(practice) if role is Role.CLINICIAN else None
    user = make_staff(practice, role, clinician=clinician).user
    if permission in PERMISSIONS[role]:
        viewer = access_desk(user, practice.slug, permission)
        assert (viewer.id, viewer.practice, viewer.role) == (user.id, practice, role)
        assert viewer.clinician_id == (clinician and clinician.id)
    else:
        with pytest.raises(NotFoundForViewer):
            access_desk(user, practice.slug, permission)


def test_only_present_staff_of_that_practice_come_in(caplog):
    here, there = make_practice(), make_practice()
    make_staff(here)
    user = make_staff(here, Role.BILLER).user
    for stranger, practice in [(user, there), (make_user(), here), (AnonymousUser(), here)]:
        caplog.clear()
        with pytest.raises(NotFoundForViewer):
            access_desk(stranger, practice.slug, Permission.SEE_DESK)
        assert "access refused" in caplog.text
    end_staff_member(member=StaffMember.objects.get(user=user), actor_id=None)
    with pytest.raises(NotFoundForViewer):
        access_desk(user, here.slug, Permission.SEE_DESK)


def test_the_last_owner_stays():
    member = make_staff(make_practice())
    with pytest.raises(UserError) as refusal:
        end_staff_member(member=member, actor_id=None)
    assert refusal.value.code == "last_owner"
    assert StaffMember.objects.get().ended_at is None


def test_the_last_owner_keeps_the_role_and_one_of_two_may_give_it_up():
    practice = make_practice()
    first = make_staff(practice)
    with pytest.raises(UserError) as refusal:
        change_role(member=first, role=Role.BILLER, actor_id=None)
    assert refusal.value.code == "last_owner"
    assert StaffMember.objects.get().role == Role.OWNER
    second = make_staff(practice)
    change_role(member=second, role=Role.BILLER, actor_id=None)
    assert list(StaffMember.objects.order_by("id").values_list("role", flat=True)) == [Role.OWNER, Role.BILLER]
    end_staff_member(member=second, actor_id=None)
    with pytest.raises(UserError) as refusal:
        change_role(member=second, role=Role.OWNER, actor_id=None)
    assert refusal.value.code == "staff_ended"


def test_a_clinician_signs_in_as_a_clinician_of_the_same_practice():
    here, there = make_practice(), make_practice()
    user = make_user()
    for clinician, code in [(None, "clinician_needed"), (make_clinician(there), "clinician_elsewhere")]:
        with pytest.raises(UserError) as refusal:
            create_staff_member(practice=here, user=user, role=Role.CLINICIAN, clinician=clinician, actor_id=None)
        assert refusal.value.code == code
    assert StaffMember.objects.count() == 0


def test_the_session_says_which_practice_is_open(client):
    first, second = make_practice(name="A"), make_practice(name="B", staff_idle_minutes=30)
    user = make_staff(first).user
    make_staff(second, user=user)
    client.force_login(user)
    assert client.get("/test-desk/inbox/").content.decode() == f"{first.slug} 15"
    session = client.session
    session[OPEN_PRACTICE] = str(second.id)
    session.save()
    assert client.get("/test-desk/inbox/").content.decode() == f"{second.slug} 30"


def test_a_page_without_the_right_is_a_404_that_nothing_stores(client, caplog):
    client.force_login(make_staff(make_practice(), Role.READ_ONLY).user)
    for page in ("settings", "forbidden"):
        caplog.clear()
        answer = client.get(f"/test-desk/{page}/")
        assert (answer.status_code, answer["Cache-Control"]) == (404, "no-store, private")
        assert "access refused" in caplog.text


def test_without_sign_in_the_page_comes_after_it(client):
    assert client.get("/test-desk/inbox/?a=1")["Location"] == "/account/login/?next=/test-desk/inbox/%3Fa%3D1"
    assert client.post("/test-desk/inbox/")["Location"] == "/account/login/"
    fragment = client.get("/test-desk/inbox/", headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment["HX-Redirect"]) == (204, "/account/login/?next=/test-desk/inbox/")


def test_staff_need_a_second_factor_before_any_page(client, settings):
    settings.STAFF_SECOND_FACTOR_REQUIRED = True
    user = make_staff(make_practice()).user
    client.force_login(user)
    assert client.get("/test-desk/inbox/")["Location"] == "/account/second-factor/"
    assert "authenticator app" in client.get("/account/second-factor/").content.decode()
    Authenticator.objects.create(user=user, type=Authenticator.Type.RECOVERY_CODES, data={})
    assert client.get("/test-desk/inbox/").status_code == 302
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={})
    assert client.get("/test-desk/inbox/").status_code == 200
    assert client.get("/account/second-factor/")["Location"] == "/"


def test_staff_cannot_remove_the_only_second_factor(client, settings):
    settings.STAFF_SECOND_FACTOR_REQUIRED = True
    from allauth.mfa.adapter import get_adapter

    staff, other = make_staff(make_practice()).user, make_user()
    kept = Authenticator.objects.create(user=staff, type=Authenticator.Type.TOTP, data={})
    free = Authenticator.objects.create(user=other, type=Authenticator.Type.TOTP, data={})
    adapter = get_adapter()
    assert (adapter.can_delete_authenticator(kept), adapter.can_delete_authenticator(free)) == (False, True)
    Authenticator.objects.create(user=staff, type=Authenticator.Type.WEBAUTHN, data={})
    assert adapter.can_delete_authenticator(kept) is True


def test_the_demo_says_that_it_relaxes_the_second_factor(rf, settings):
    from paywell.accounts.context import session_info

    settings.STAFF_SECOND_FACTOR_REQUIRED = False
    assert session_info(rf.get("/"))["staff_second_factor_relaxed"] is True
    settings.STAFF_SECOND_FACTOR_REQUIRED = True
    assert session_info(rf.get("/"))["staff_second_factor_relaxed"] is False
