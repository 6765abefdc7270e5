"""Sessions in the database, as Django keeps them; reading one sends SQL that was compiled before.

Nothing is kept in memory: signing out ends a session for the very next request, in every server process.
"""

from __future__ import annotations

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from paywell.core.prepared import Prepared

_SESSION = Prepared(lambda key, now: Session.objects.filter(session_key=key, expire_date__gt=now))


class SessionStore(db.SessionStore):
    def _get_session_from_db(self) -> Session | None:
        session = _SESSION.first(key=self.session_key, now=timezone.now())  # noqa: TID251 (Django wrote expire_date by it)
        if session is None:
            self._session_key = None
        return session
