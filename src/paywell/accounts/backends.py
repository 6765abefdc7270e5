"""allauth's way of signing in; finding the signed-in person again sends SQL that was compiled before."""

from __future__ import annotations

from uuid import UUID

from allauth.account.auth_backends import AuthenticationBackend as AllauthBackend

from paywell.accounts.models import User
from paywell.core.prepared import Prepared

_USER = Prepared(lambda id: User.objects.filter(id=id))


class AuthenticationBackend(AllauthBackend):
    def get_user(self, user_id: UUID) -> User | None:
        """The person of a session; None where they are gone or may not come in any more."""
        user = _USER.first(id=user_id)
        return user if user is not None and self.user_can_authenticate(user) else None
