"""The test settings, with a database in memory, and with e-mails and jobs in the simulation's hands."""

import os

from paywell.config.settings.test import *  # noqa: F403
from paywell.config.settings.test import DATABASES

EMAIL_BACKEND = "tests.faults.ports.MailBackend"
TASKS = {"default": {"BACKEND": "tests.faults.ports.QueueBackend"}}
LOGGING_CONFIG = None

if not os.environ.get("PAYWELL_TEST_DATABASE_URL"):
    DATABASES["default"] = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        "CONN_MAX_AGE": None,
        # The statements of a history come again in the next one: they are compiled once for all of them.
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "cached_statements": 4000},
    }
