"""What can be wrong with documents."""

from __future__ import annotations

from paywell.core.errors import NotFoundForViewer, UserError


class NoSuperbill(UserError, NotFoundForViewer):
    """There is no superbill of these services; `message` says why. A 404 where nobody shows the message."""


class DigestBroken(UserError, NotFoundForViewer):
    """What is kept of an issued document is not what was issued. It is not shown to anybody."""
