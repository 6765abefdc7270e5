"""Start-up checks: an installation that is half set up refuses to start and says what is missing."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

MIN_SECRET_LENGTH = 50


@register(Tags.security)
def production_is_whole(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Outside the demo and the tests: secrets, hosts, address and https are set, test processors are off."""
    if not settings.SETTINGS_MODULE.endswith(".production"):
        return []
    faults = []
    if len(settings.SECRET_KEY) < MIN_SECRET_LENGTH:
        faults.append(("E001", "PAYWELL_SECRET_KEY is missing or shorter than 50 characters."))
    if not settings.SALT_KEY:
        faults.append(("E002", "PAYWELL_FIELD_SALTS is missing: secrets in the database could not be encrypted."))
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        faults.append(("E003", "PAYWELL_HOSTS must name the hosts that serve the portal."))
    if not settings.PUBLIC_URL.startswith("https://"):
        faults.append(("E004", "PAYWELL_URL must be the portal's address and begin with https://."))
    if settings.ALLOW_TEST_PROCESSORS:
        faults.append(("E005", "Test processors can't be allowed here: they take money that does not exist."))
    if settings.DEBUG:
        faults.append(("E006", "DEBUG must be off."))
    if not settings.STAFF_SECOND_FACTOR_REQUIRED:
        faults.append(("E007", "Staff must have a second factor."))
    if settings.BACKUPS not in ("daily", "off"):
        faults.append(("E008", "PAYWELL_BACKUPS must be daily (the worker makes one each day) or off."))
    return [Error(message, id=f"paywell.{code}") for code, message in faults]


def refuse_unsafe_start() -> None:
    """Called by the web server's entry point, where Django runs no checks by itself. Exits with the reasons."""
    faults = production_is_whole(None)
    for fault in faults:
        print(f"{fault.id}: {fault.msg}", file=sys.stderr)  # noqa: T201
    if faults:
        sys.exit(1)
