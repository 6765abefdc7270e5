"""How allauth behaves here: nobody registers on their own, plain words, secrets encrypted at rest."""

from __future__ import annotations

from functools import cache
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, MultiFernet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from encrypted_fields.fields import EncryptedTextField

from paywell.accounts.models import User
from paywell.core.security_log import access_refused


class AccountAdapter(DefaultAccountAdapter):
    """Sign-in by e-mail for people whom a practice has invited."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "account_inactive": _("This sign-in is switched off. Reach out to your practice."),
        "email_password_mismatch": _("The e-mail or the password is not right. Check both and try again."),
        "email_taken": _("This e-mail can't be used. Choose another one."),
        "enter_current_password": _("This is not your current password."),
        "incorrect_code": _("This code is not right. Check it, or ask for a new one."),
        "incorrect_password": _("This is not your password. Try again."),
        "invalid_login": _("Enter your e-mail address."),
        "invalid_password_reset": _("This link doesn't work any more. Ask for a new one."),
        "rate_limited": _("That was too often in a short time. Wait a minute and try again."),
        "same_as_current": _("This is your e-mail already."),
        "too_many_login_attempts": _("There were too many wrong tries. Wait five minutes and try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        access_refused(viewer=None, kind="sign-in", target="", reason="wrong e-mail or password")


class MFAAdapter(DefaultMFAAdapter):
    """Keys of authenticator apps and recovery codes are encrypted, as the other secrets of the database are."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "cannot_delete_authenticator": _("Staff need a second step. Add another one before you remove this."),
        "cannot_generate_recovery_codes": _("Set up an authenticator app or a passkey first."),
        "incorrect_code": _("This code is not right. Check it and try again."),
        "unverified_email": _("Confirm your e-mail address first: we have sent you a link."),
    }

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Staff keep at least one second step, where the installation asks for it."""
        from paywell.accounts.queries import must_keep_second_factor

        return not must_keep_second_factor(authenticator)

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        taken = Authenticator.objects.filter(user=user, type=type).count()
        return gettext("My passkey") if not taken else gettext("My passkey {number}").format(number=taken + 1)


@cache
def _cipher() -> Fernet | MultiFernet:
    """The cipher of the encrypted columns: keys from SECRET_KEY and SALT_KEY, old ones still readable."""
    return EncryptedTextField().f
