"""The security log: one line for each refused access. Ids only, no names, no secrets."""

from __future__ import annotations

import logging
from uuid import UUID

_log = logging.getLogger("paywell.security")


def access_refused(*, viewer: object, kind: str, target: UUID | str, reason: str) -> None:
    """Write that `viewer` asked for something that is not theirs. Called by every `access_*` that refuses."""
    _log.warning(
        "access refused viewer=%s kind=%s target=%s reason=%s",
        getattr(viewer, "id", viewer),
        kind,
        str(target)[:64].replace("\n", " ").replace("\r", " "),
        reason,
    )
