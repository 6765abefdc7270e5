"""The links of invitations, and what accepting one sets in motion.

No token is stored anywhere. The link carries the invitation's id with a signature of the installation's key,
so the e-mail job can build the link again from the row, and a stolen copy of the database opens nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from paywell.accounts.models import Invitation, User

#: Called inside the accepting transaction; may raise UserError to refuse.
OnAccept = Callable[[Invitation, User], None]
_on_accept: dict[str, OnAccept] = {}


def register(subject_kind: str, on_accept: OnAccept) -> None:
    """A room above says what accepting an invitation of its kind does. Called from its AppConfig.ready."""
    _on_accept[subject_kind] = on_accept


def on_accept(invitation: Invitation, user: User) -> None:
    """Do what the invitation is for."""
    _on_accept[invitation.subject_kind](invitation, user)


def make_token(invitation_id: UUID) -> str:
    """The secret that stands in the link: the same for the same invitation, every time."""
    return _signer().sign(invitation_id.hex)


def read_token(token: str) -> UUID | None:
    """The invitation's id, or None where the token is not ours."""
    try:
        return UUID(hex=_signer().unsign(token))
    except (BadSignature, ValueError):
        return None


def get_link(invitation: Invitation) -> str:
    """The address for the e-mail."""
    return settings.PUBLIC_URL + reverse("accounts:invitation_link", args=[make_token(invitation.id)])


def _signer() -> Signer:
    return Signer(salt="paywell.accounts.invitation", sep=".")
