"""Reads about people who sign in."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import QuerySet

from paywell.accounts.invitations import read_token
from paywell.accounts.models import Invitation, StaffMember, User
from paywell.accounts.types import PERMISSIONS, Permission, StaffViewer
from paywell.core import clock
from paywell.core.db import lock

#: What counts as a second factor.
SECOND_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def get_open_invitation(token: str, *, for_update: bool = False) -> Invitation | None:
    """The invitation behind a link, if it can still be accepted. Trusts its caller to be the link's holder."""
    invitation_id = read_token(token)
    if invitation_id is None:
        return None
    rows = Invitation.objects.filter(
        id=invitation_id, accepted_at=None, withdrawn_at=None, expires_at__gt=clock.now()
    )
    if for_update:
        return lock(rows).first()
    return rows.select_related("practice").first()


def has_sign_in(user: User) -> bool:
    """Whether the person has ever set up a way to come in: then an invitation must not set a new password."""
    return (
        user.has_usable_password()
        or user.last_login is not None
        or Authenticator.objects.filter(user=user).exists()
    )


def lacks_second_factor(user: User) -> bool:
    """Whether the installation asks staff for a second factor and this one has none.

    Recovery codes alone don't count.
    """
    if not settings.STAFF_SECOND_FACTOR_REQUIRED:
        return False
    return not Authenticator.objects.filter(user=user, type__in=SECOND_FACTORS).exists()


def must_keep_second_factor(authenticator: Authenticator) -> bool:
    """Whether removing it would leave a staff member without the second factor that they need."""
    if not settings.STAFF_SECOND_FACTOR_REQUIRED or authenticator.type not in SECOND_FACTORS:
        return False
    if not StaffMember.objects.filter(user_id=authenticator.user_id, ended_at=None).exists():
        return False
    others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=SECOND_FACTORS)
    return not others.exclude(id=authenticator.id).exists()


def list_staff(*, viewer: StaffViewer) -> QuerySet[StaffMember]:
    """The practice's present staff, by name."""
    rows = StaffMember.objects.filter(practice=viewer.practice, ended_at=None)
    return rows.select_related("user", "clinician").order_by("user__name", "user__email")


def count_who_may(permission: Permission, *, viewer: StaffViewer) -> int:
    """How many of the practice's present staff have the right."""
    roles = [role for role, rights in PERMISSIONS.items() if permission in rights]
    return StaffMember.objects.filter(practice=viewer.practice, ended_at=None, role__in=roles).count()


def list_staff_practices(user: User) -> list[StaffMember]:
    """Where the person is staff: the entries of the desk's practice switcher. One query."""
    rows = StaffMember.objects.filter(user=user, ended_at=None).select_related("practice")
    return list(rows.defer("practice__logo").order_by("practice__name", "practice_id"))
