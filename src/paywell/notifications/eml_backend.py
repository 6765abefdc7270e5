"""For the demonstration: every e-mail becomes one .eml file, which any mail program opens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from paywell.core import clock
from paywell.core.ids import new_id


class EmailBackend(BaseEmailBackend):
    """Writes into EMAIL_FILE_PATH; names rise with time."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = Path(getattr(settings, "EMAIL_FILE_PATH"))  # noqa: B009 (not in every settings file)
        folder.mkdir(parents=True, exist_ok=True)
        for message in email_messages:
            name = f"{clock.now():%Y%m%d-%H%M%S}-{new_id().hex[-8:]}.eml"
            (folder / name).write_bytes(message.message().as_bytes())
        return len(email_messages)
