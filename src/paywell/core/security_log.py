"""The security log: each refused access, and views that the audit trail could not take. Ids only, no names."""

from __future__ import annotations

import logging
import re
from typing import Final
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


def view_unrecorded(*, viewer: object, kind: str, target: UUID, page: str) -> None:
    """Write that `viewer` saw a record while the audit trail was too busy to take it."""
    _log.error(
        "view kept here viewer=%s kind=%s target=%s page=%s", getattr(viewer, "id", viewer), kind, target, page
    )


#: Addresses that open something by themselves: pay links, invitations, ways back from a processor.
_TOKENS: Final = re.compile(r"(/(?:pay|invitation|portal/return/[0-9a-f-]{36})/)[^/\s?\"']{16,}")


class HideTokens(logging.Filter):
    """Cuts the secret part out of addresses before a line is written: many people read a log."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        hidden = _TOKENS.sub(r"\1…", text)
        if hidden != text:
            record.msg, record.args = hidden, ()
        return True
