"""The bare site: Django's own default middleware, the same database, the same sessions and users."""

from paywell.config.settings.demo import *  # noqa: F403

ROOT_URLCONF = "bench.bare.urls"
INSTALLED_APPS = [*INSTALLED_APPS, "bench.bare"]  # noqa: F405
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
LOGGING = {"version": 1, "disable_existing_loggers": True}
