"""For the test suite: SQLite unless PAYWELL_TEST_DATABASE_URL names a PostgreSQL."""

import os

from paywell.config.settings.base import *  # noqa: F403
from paywell.config.settings.base import VAR, postgresql, sqlite

SECRET_KEY = "test-only-" + "x" * 50
SALT_KEY = ["test-only-salt"]
ALLOWED_HOSTS = ["*"]
PUBLIC_URL = "http://testserver"
ALLOW_TEST_PROCESSORS = True
BACKUPS = "off"
#: The tests of the second factor switch it on.
STAFF_SECOND_FACTOR_REQUIRED = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
TASKS = {"default": {"BACKEND": "django_tasks.backends.dummy.DummyBackend"}}

_url = os.environ.get("PAYWELL_TEST_DATABASE_URL", "")
DATABASES = {"default": postgresql(_url) if _url else sqlite(VAR / "test.sqlite3")}
