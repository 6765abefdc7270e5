"""What all environments share. Safe by default; `demo` and `test` relax by name, one by one."""

from __future__ import annotations

import os
from pathlib import Path

from csp.constants import NONCE, NONE, SELF

PACKAGE = Path(__file__).resolve().parents[2]
#: Everything that an installation writes: database, logs, e-mails of the demo.
VAR = Path(os.environ.get("PAYWELL_VAR", Path.cwd() / "var"))

#: Folders of fonts for letters that the package's own fonts lack, such as Chinese, Japanese and Korean.
FONT_FOLDERS = [folder for folder in os.environ.get("PAYWELL_FONTS", "").split(os.pathsep) if folder]

#: `daily`: the worker makes a back-up each day and tries one out each week. `off`: somebody else does.
BACKUPS = os.environ.get("PAYWELL_BACKUPS", "daily")

DEBUG = False
SECRET_KEY = os.environ.get("PAYWELL_SECRET_KEY", "")
SECRET_KEY_FALLBACKS = [key for key in os.environ.get("PAYWELL_OLD_SECRET_KEYS", "").split(",") if key]
SALT_KEY = [salt for salt in os.environ.get("PAYWELL_FIELD_SALTS", "").split(",") if salt]
ALLOWED_HOSTS = [host for host in os.environ.get("PAYWELL_HOSTS", "").split(",") if host]
#: The address that people type, without a slash at the end; links in e-mails and return addresses use it.
PUBLIC_URL = os.environ.get("PAYWELL_URL", "")

#: The mail server, and the address that e-mails come from. The practice's discreet name is put before it.
EMAIL_HOST = os.environ.get("PAYWELL_EMAIL_HOST", "localhost")
EMAIL_PORT = int(os.environ.get("PAYWELL_EMAIL_PORT", "587"))
EMAIL_HOST_USER = os.environ.get("PAYWELL_EMAIL_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("PAYWELL_EMAIL_PASSWORD", "")
EMAIL_USE_TLS = os.environ.get("PAYWELL_EMAIL_TLS", "1") == "1"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = os.environ.get("PAYWELL_EMAIL_FROM", "no-reply@localhost")

INSTALLED_APPS = [
    "paywell.core",
    "paywell.accounts",
    "paywell.practice",
    "paywell.ledger",
    "paywell.audit",
    "paywell.outbox",
    "paywell.work",
    "paywell.codes",
    "paywell.clients",
    "paywell.care",
    "paywell.invoicing",
    "paywell.processors",
    "paywell.billing",
    "paywell.payments",
    "paywell.agreements",
    "paywell.books",
    "paywell.documents",
    "paywell.notifications",
    "paywell.portal",
    "paywell.desk",
    "paywell.api",
    "paywell.demo",
    "paywell.config",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_tasks",
    "django_tasks_db",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "paywell.config.closing.WhileReplacing",
    "paywell.accounts.middleware.SecurityHeaders",
    "paywell.config.walls.BetweenPractices",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "paywell.accounts.middleware.IdleSignOut",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "paywell.accounts.middleware.Refusals",
]

ROOT_URLCONF = "paywell.config.urls"
WSGI_APPLICATION = "paywell.config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "paywell.core.context.chrome",
                "paywell.accounts.context.session_info",
            ],
        },
    },
]

ATOMIC_REQUESTS = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = True

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["paywell.accounts.backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
#: NIST SP 800-63B-4 asks 15 where a password may be the only factor; no rules of composition.
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 15}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

#: Sign-in: by e-mail only, by invitation only. Reasons in `docs/decisions` and `paywell.accounts`.
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "clients:start"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "paywell.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 10 * 60
ACCOUNT_REAUTHENTICATION_REQUIRED = True
#: Beside allauth's own limits: who asks for pay links by e-mail.
ACCOUNT_RATE_LIMITS = {"pay_links": "10/m/ip,3/h/key"}
ACCOUNT_SESSION_REMEMBER = False
MFA_ADAPTER = "paywell.accounts.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Paywell"
MFA_TOTP_TOLERANCE = 1
#: How many proxies of ours stand before the server; rate limits then count the address that the outermost one saw.
ALLAUTH_TRUSTED_PROXY_COUNT = int(os.environ.get("PAYWELL_PROXIES", "0"))
#: The session's cookie ends with the browser, the session itself after twelve hours.
SESSION_ENGINE = "paywell.accounts.sessions"
SESSION_COOKIE_AGE = 12 * 60 * 60
CSRF_FAILURE_VIEW = "paywell.accounts.views.csrf_failure"

STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
#: Each connector's own browser script, in its folder.
STATICFILES_DIRS = [
    (f"processors/{folder.parent.name}", folder)
    for folder in sorted((PACKAGE / "processors" / "connectors").glob("*/static"))
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

#: Counts of tries (rate limits) that all server processes of this machine share.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": VAR / "cache",
    }
}

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-src": [NONE],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {"no_tokens": {"()": "paywell.core.security_log.HideTokens"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["no_tokens"]},
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"httpx": {"level": "WARNING"}, "httpcore": {"level": "WARNING"}, "stripe": {"level": "WARNING"}},
}

#: Test processors take money that does not exist; production refuses them.
ALLOW_TEST_PROCESSORS = False
#: Where `paywell test-processor` is reached, when somebody tries Paywell out.
TEST_PROCESSOR_URL = os.environ.get("PAYWELL_TEST_PROCESSOR", "http://127.0.0.1:8001")
#: Staff need a second factor. The demo relaxes it, and says so on every page.
STAFF_SECOND_FACTOR_REQUIRED = True
#: Marks every page as a demonstration.
IS_DEMO = False


def sqlite(path: Path | str) -> dict[str, object]:
    """The embedded database: one writer at a time that waits, and a commit that survives a power cut."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "CONN_MAX_AGE": 3600,  # a new one knows what `core.jobs.gather_statistics` found since
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 5,
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
                "PRAGMA cache_size=-20000; PRAGMA mmap_size=134217728; PRAGMA temp_store=MEMORY;"
            ),
        },
    }


def postgresql(url: str) -> dict[str, object]:
    """PostgreSQL 15 and newer, by `postgresql://user:password@host:port/name` or `...?host=/socket/folder`."""
    from urllib.parse import parse_qs, unquote, urlsplit

    parts = urlsplit(url)
    query = parse_qs(parts.query)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/") or "paywell",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.get("host", [parts.hostname or ""])[0],
        "PORT": str(parts.port or query.get("port", [""])[0]),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "options": "-c lock_timeout=3s -c statement_timeout=15s -c idle_in_transaction_session_timeout=15s",
        },
    }


def database() -> dict[str, object]:
    """PAYWELL_DATABASE_URL, or the embedded database in the var folder."""
    url = os.environ.get("PAYWELL_DATABASE_URL", "")
    if url:
        return postgresql(url)
    return sqlite(VAR / "paywell.sqlite3")


DATABASES = {"default": database()}
