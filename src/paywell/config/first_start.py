"""What an empty installation says when its web server starts."""

from __future__ import annotations

import sys

from django.conf import settings
from django.db import DatabaseError, connection

from paywell.accounts.installation import AlreadyInstalled, make_code


def announce_setup() -> None:
    """Print where to set Paywell up, and the code that opens it. Silent once a practice exists."""
    try:
        code = make_code(unless_just_made=True)
    except (AlreadyInstalled, DatabaseError):
        return
    finally:
        connection.close()
    if code:
        place = f"{settings.PUBLIC_URL}/setup/"
        sys.stderr.write(f"Paywell is empty. Open {place} and enter this code within the hour: {code}\n")
