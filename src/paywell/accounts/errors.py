"""What can go wrong with an invitation or an address."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from paywell.core.errors import UserError

#: Of what was typed as an e-mail address and is none, wherever it was typed.
NO_EMAIL: Final = _("Enter an e-mail address, like name@example.org.")


class BadInvitation(UserError):
    """The link is wrong, expired, withdrawn or used: one answer for all, so that nothing can be guessed."""

    def __init__(self) -> None:
        super().__init__(
            "This invitation link doesn't work any more. Ask the practice to send you a new one.",
            code="invitation_invalid",
        )


class SignInFirst(UserError):
    """The invited e-mail already has a sign-in: its owner accepts while signed in."""

    def __init__(self, email: str) -> None:
        super().__init__(f"Sign in as {email} to accept this invitation.", code="sign_in_first")
        self.email = email
