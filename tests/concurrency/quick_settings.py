"""The demonstration's settings for `tests.concurrency.sigkill`: seconds for minutes, no files to collect."""

import os

from paywell.config.settings.demo import *  # noqa: F403
from paywell.config.settings.demo import INSTALLED_APPS, STORAGES

if "REAL_SCHEDULE" not in os.environ:
    INSTALLED_APPS = [*INSTALLED_APPS, "tests.concurrency.quick.apps.QuickConfig"]
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
