"""Paywell as it is, with one thing added: a processor that answers at once, so that our own cost shows."""

from paywell.config.settings.demo import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "bench"]  # noqa: F405
LOGGING = {"version": 1, "disable_existing_loggers": True}
