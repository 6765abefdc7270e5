"""Writes about people who sign in: users, staff, invitations.

Plain transactions, so that an import can put many of them into one.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from paywell.accounts import invitations
from paywell.accounts.errors import NO_EMAIL, BadInvitation, SignInFirst
from paywell.accounts.models import Invitation, Role, StaffMember, User
from paywell.accounts.queries import get_open_invitation, has_sign_in
from paywell.audit import actions as audit
from paywell.core import clock
from paywell.core.db import lock
from paywell.core.errors import UserError
from paywell.outbox import actions as outbox
from paywell.practice.models import Clinician, Practice

INVITATION_DAYS = 14


def create_user(*, email: str, name: str = "", password: str | None = None, actor_id: UUID | None) -> User:
    """A person who signs in with `email`. Raises UserError `email_invalid`, `email_taken`."""
    email = clean_email(email, required=True)
    with transaction.atomic():
        if User.objects.filter(email=email).exists():
            raise UserError("Somebody already signs in with this e-mail.", code="email_taken", field="email")
        user = User.objects.create_user(email, password, name=name.strip())
        audit.record(
            practice_id=None,
            actor_id=actor_id,
            action="accounts.create_user",
            target_kind="user",
            target_id=user.id,
        )
    return user


def refuse_role_alone(role: str, clinician: Clinician | None) -> None:
    """Raises UserError `clinician_needed` where the role is a clinician's and nobody says whose."""
    if role == Role.CLINICIAN and clinician is None:
        raise UserError(
            "Choose which clinician signs in: they see their own clients only.",
            code="clinician_needed",
            field="clinician",
        )


def _check_role(practice_id: UUID, role: str, clinician: Clinician | None) -> None:
    if role not in Role.values:
        raise UserError("Choose a role.", code="role_invalid", field="role")
    refuse_role_alone(role, clinician)
    if clinician is not None and clinician.practice_id != practice_id:
        raise UserError("Choose a clinician of this practice.", code="clinician_elsewhere", field="clinician")


def create_staff_member(
    *, practice: Practice, user: User, role: Role, clinician: Clinician | None = None, actor_id: UUID | None
) -> StaffMember:
    """Give the person a place at the practice. Raises UserError `role_invalid`, `clinician_needed`,
    `clinician_elsewhere`, `staff_exists`."""
    _check_role(practice.id, role, clinician)
    with transaction.atomic():
        if StaffMember.objects.filter(practice=practice, user=user, ended_at=None).exists():
            raise UserError("This person already works here.", code="staff_exists", field="email")
        member = StaffMember.objects.create(practice=practice, user=user, role=role, clinician=clinician)
        audit.record(
            practice_id=practice.id,
            actor_id=actor_id,
            action="accounts.create_staff_member",
            target_kind="staff_member",
            target_id=member.id,
            detail={"role": str(role), "user": str(user.id)},
        )
    return member


def change_role(
    *, member: StaffMember, role: str, clinician: Clinician | None = None, actor_id: UUID | None
) -> StaffMember:
    """Another role for somebody who works here; it holds from their next page on. Who may no more is shut out then.

    Raises UserError as `create_staff_member`, and `last_owner`, `staff_ended`.
    """
    _check_role(member.practice_id, role, clinician)
    with transaction.atomic():
        member = _lock_member(member)
        if member.ended_at is not None:
            raise UserError("This person doesn't work here any more.", code="staff_ended")
        if role != Role.OWNER:
            _refuse_last_owner(member)
        before = member.role
        if (before, member.clinician_id) != (role, clinician.id if clinician else None):
            member.role, member.clinician = role, clinician
            member.save(update_fields=["role", "clinician"])
            audit.record(
                practice_id=member.practice_id,
                actor_id=actor_id,
                action="accounts.change_role",
                target_kind="staff_member",
                target_id=member.id,
                detail={"before": before, "role": str(role), "user": str(member.user_id)},
            )
    return member


def _lock_member(member: StaffMember) -> StaffMember:
    """The row, held with its practice: of two owners who change each other at once, one stays."""
    lock(Practice.objects.filter(pk=member.practice_id)).get()
    return lock(StaffMember.objects.filter(practice=member.practice_id, id=member.id)).get()


def _refuse_last_owner(member: StaffMember) -> None:
    owners = StaffMember.objects.filter(practice=member.practice_id, role=Role.OWNER, ended_at=None)
    if member.role == Role.OWNER and owners.count() == 1:
        raise UserError("A practice needs an owner. Make somebody else owner first.", code="last_owner")


def end_staff_member(*, member: StaffMember, actor_id: UUID | None) -> StaffMember:
    """Close the desk to the person at once. The practice keeps at least one owner (`last_owner`)."""
    with transaction.atomic():
        member = _lock_member(member)
        if member.ended_at is not None:
            return member
        _refuse_last_owner(member)
        member.ended_at = clock.now()
        member.save(update_fields=["ended_at"])
        audit.record(
            practice_id=member.practice_id,
            actor_id=actor_id,
            action="accounts.end_staff_member",
            target_kind="staff_member",
            target_id=member.id,
        )
    return member


def invite(
    *, practice: Practice, email: str, subject_kind: str, subject_id: UUID, invited_by: UUID | None
) -> tuple[Invitation, str]:
    """Send a link by which `email` sets up a sign-in. Gives the row and the link's token.

    An earlier link for the same subject stops working. `invited_by` is the user's id. Raises UserError
    `email_missing` or `email_invalid`.
    """
    email = clean_email(email, required=True)
    now = clock.now()
    with transaction.atomic():
        open_ones = Invitation.objects.filter(
            practice=practice, subject_kind=subject_kind, subject_id=subject_id, accepted_at=None, withdrawn_at=None
        )
        open_ones.update(withdrawn_at=now)
        invitation = Invitation.objects.create(
            practice=practice,
            email=email,
            subject_kind=subject_kind,
            subject_id=subject_id,
            invited_by_id=invited_by,
            created_at=now,
            expires_at=now + timedelta(days=INVITATION_DAYS),
        )
        _record(invitation, "accounts.invite", actor_id=invited_by)
        outbox.emit(
            practice_id=practice.id,
            kind="accounts.invitation_created",
            dedupe=f"invitation:{invitation.id}",
            payload={"invitation_id": str(invitation.id)},
        )
    return invitation, invitations.make_token(invitation.id)


def withdraw_invitation(*, invitation: Invitation, actor_id: UUID | None) -> Invitation:
    """The link stops working at once. An accepted one is left as it is."""
    with transaction.atomic():
        invitation = lock(Invitation.objects.filter(practice=invitation.practice_id, id=invitation.id)).get()
        if invitation.accepted_at is None and invitation.withdrawn_at is None:
            invitation.withdrawn_at = clock.now()
            invitation.save(update_fields=["withdrawn_at"])
            _record(invitation, "accounts.withdraw_invitation", actor_id=actor_id)
    return invitation


def accept_invitation(token: str, password: str | None = None, *, signed_in: User | None = None) -> User:
    """Use the link, once: the person gets a sign-in with `password` and what they were invited to.

    Somebody who already has a sign-in accepts while signed in with the invited e-mail (`signed_in`), without a
    password. Raises BadInvitation (wrong, expired, withdrawn or used, all the same), SignInFirst, or
    UserError `password_weak` on the field `password`; then nothing has changed.
    """
    with transaction.atomic():
        invitation = get_open_invitation(token, for_update=True)
        if invitation is None:
            raise BadInvitation
        user = User.objects.filter(email=invitation.email).first()
        if user is not None and has_sign_in(user):
            if signed_in is None or signed_in.id != user.id:
                raise SignInFirst(invitation.email)
        else:
            user = _set_up_sign_in(user, invitation, password or "")
        invitation.accepted_at = clock.now()
        invitation.accepted_by = user
        invitation.save(update_fields=["accepted_at", "accepted_by"])
        invitations.on_accept(invitation, user)
        _record(invitation, "accounts.accept_invitation", actor_id=user.id)
    return user


def accept_staff_invitation(invitation: Invitation, user: User) -> None:
    """What an invitation of the kind `staff` does: nothing more. The membership, made when the person was
    invited, waits for them; it must still be theirs and open."""
    member = StaffMember.objects.filter(practice=invitation.practice_id, id=invitation.subject_id, ended_at=None)
    if not member.filter(user=user).exists():
        raise BadInvitation


def clean_email(text: str, *, required: bool = False) -> str:
    """The address in lower case. Raises UserError `email_missing`, `email_invalid`."""
    email = text.strip().lower()
    if not email and not required:
        return ""
    if not email:
        raise UserError("Enter an e-mail address.", code="email_missing", field="email")
    try:
        validate_email(email)
    except ValidationError:
        raise UserError(str(NO_EMAIL), code="email_invalid", field="email") from None
    return email


def _set_up_sign_in(user: User | None, invitation: Invitation, password: str) -> User:
    candidate = user or User(email=invitation.email)
    try:
        validate_password(password, candidate)
    except ValidationError as weak:
        raise UserError(" ".join(weak.messages), code="password_weak", field="password") from None
    if user is None:
        return User.objects.create_user(invitation.email, password)
    user.set_password(password)
    user.save(update_fields=["password"])
    return user


def _record(invitation: Invitation, action: str, *, actor_id: UUID | None) -> None:
    audit.record(
        practice_id=invitation.practice_id,
        actor_id=actor_id,
        action=action,
        target_kind="invitation",
        target_id=invitation.id,
        detail={"subject_kind": invitation.subject_kind, "subject_id": str(invitation.subject_id)},
    )
