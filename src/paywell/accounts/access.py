"""Who may enter the practice's desk, checked and fetched in one step."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.models import AnonymousUser

from paywell.accounts.models import Role, StaffMember, User
from paywell.accounts.types import Permission, StaffViewer
from paywell.core.errors import NotFoundForViewer
from paywell.core.security_log import access_refused


def access_desk(
    request_user: User | AnonymousUser,
    practice_slug: str | None,
    permission: Permission,
    *,
    practice_id: UUID | None = None,
) -> StaffViewer:
    """The person as staff of one practice, if their role there has `permission`. One query.

    Without a slug and an id it is their first practice by name. Raises NotFoundForViewer: not staff there,
    membership ended, or the role lacks the permission; each writes a security log line.
    """
    if not isinstance(request_user, User):
        access_refused(viewer=None, kind="desk", target=practice_slug or "", reason="anonymous")
        raise NotFoundForViewer
    memberships = StaffMember.objects.filter(user=request_user, ended_at=None).select_related("practice")
    if practice_slug is not None:
        memberships = memberships.filter(practice__slug=practice_slug)
    if practice_id is not None:
        memberships = memberships.filter(practice_id=practice_id)
    membership = memberships.defer("practice__logo").order_by("practice__name", "practice_id").first()
    target = practice_slug or practice_id or "first"
    if membership is None:
        access_refused(viewer=request_user, kind="desk", target=target, reason="not staff")
        raise NotFoundForViewer
    role = Role(membership.role)
    viewer = StaffViewer(
        id=request_user.id,
        practice=membership.practice,
        role=role,
        clinician_id=membership.clinician_id if role is Role.CLINICIAN else None,
    )
    if not viewer.may(permission):
        access_refused(viewer=viewer, kind="desk", target=target, reason=f"role lacks {permission}")
        raise NotFoundForViewer
    return viewer


def access_desk_as(user_id: UUID | None, practice_id: UUID, permission: Permission) -> StaffViewer:
    """The staff member who asked for work that is done later, with the rights that they have now.

    Raises NotFoundForViewer where they are not staff any more or may not do it any more.
    """
    user = User.objects.filter(pk=user_id, is_active=True).first() if user_id else None
    if user is None:
        access_refused(viewer=None, kind="desk", target=practice_id, reason="no such person")
        raise NotFoundForViewer
    return access_desk(user, None, permission, practice_id=practice_id)
