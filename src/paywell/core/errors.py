"""Errors that cross rooms."""

from __future__ import annotations


class PaywellError(Exception):
    """Root of Paywell's own errors."""


class UserError(PaywellError):
    """Something a person can put right. `message` is for the screen; `code` names the rule for tests.

    `field` names the form field at which it is shown, where there is one.
    """

    def __init__(self, message: str, *, code: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.field = field


class NotFoundForViewer(PaywellError):
    """The object does not exist, or not for this viewer. Always a 404 and a security log line."""


class NotAllowed(PaywellError):
    """The viewer may see the object, but their role does not let them do this."""
