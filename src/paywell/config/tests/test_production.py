"""A real installation: it refuses to start half set up, and its cookies are Secure and bound to the host."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.blank import blank_file

SOURCE = Path(__file__).resolve().parents[3]
WHOLE = {
    "DJANGO_SETTINGS_MODULE": "paywell.config.settings.production",
    "PAYWELL_SECRET_KEY": "k3y-for-this-test-only-" * 4,
    "PAYWELL_FIELD_SALTS": "salt-for-this-test-only-" * 2,
    "PAYWELL_HOSTS": "pay.example.org",
    "PAYWELL_URL": "https://pay.example.org",
}
ASK = """
import json, django
django.setup()
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
answer = Client().get("/account/login/", secure=True, headers={"host": "pay.example.org"})
person = Client()
person.force_login(get_user_model().objects.create_user(email="ada@example.org", password="x" * 20),
                   backend=settings.AUTHENTICATION_BACKENDS[0])
inside = person.get("/account/password/change/", secure=True, headers={"host": "pay.example.org"})
plain = Client().get("/account/login/", headers={"host": "pay.example.org"})
cookies = {name: bool(morsel["secure"]) for jar in (answer.cookies, inside.cookies)
           for name, morsel in jar.items()}
print(json.dumps({
    "cookies": cookies,
    "session": [settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SECURE, settings.SESSION_COOKIE_PATH,
                settings.SESSION_COOKIE_DOMAIN, settings.SESSION_COOKIE_HTTPONLY],
    "hsts": answer.headers.get("Strict-Transport-Security", ""),
    "plain": [plain.status_code, plain.headers.get("Location")],
}))
"""


def run(tmp_path: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PAYWELL_", "DJANGO_"))
    }
    environment |= {"PYTHONPATH": str(SOURCE), "PAYWELL_VAR": str(tmp_path)} | WHOLE | changes
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment, cwd=SOURCE, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip


def test_a_whole_installation_passes_the_deployment_check(tmp_path: Path) -> None:
    done = run(tmp_path, "-m", "paywell", "check", "--deploy", "--fail-level", "ERROR")
    assert done.returncode == 0, done.stderr


def test_every_cookie_is_secure_and_bound_to_the_host(tmp_path: Path) -> None:
    shutil.copyfile(blank_file(), tmp_path / "paywell.sqlite3")
    assert run(tmp_path, "-m", "paywell", "migrate", "--verbosity", "0").returncode == 0
    assert run(tmp_path, "-m", "paywell", "collectstatic", "--no-input", "--verbosity", "0").returncode == 0
    done = run(tmp_path, "-c", ASK)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert {"__Host-csrf", "__Host-session-seen"} <= set(seen["cookies"]), seen
    assert all(name.startswith("__Host-") and secure for name, secure in seen["cookies"].items()), seen
    assert seen["session"] == ["__Host-session", True, "/", None, True]
    assert seen["hsts"].startswith("max-age=31536000")
    assert seen["plain"] == [301, "https://pay.example.org/account/login/"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PAYWELL_SECRET_KEY", "short", "PAYWELL_SECRET_KEY is missing or shorter than 50 characters."),
        ("PAYWELL_FIELD_SALTS", "", "PAYWELL_FIELD_SALTS is missing"),
        ("PAYWELL_HOSTS", "", "PAYWELL_HOSTS must name the hosts"),
        ("PAYWELL_HOSTS", "*", "PAYWELL_HOSTS must name the hosts"),
        ("PAYWELL_URL", "http://pay.example.org", "PAYWELL_URL must be the portal's address"),
    ],
)
def test_start_up_refuses_a_missing_setting_in_words(tmp_path: Path, name: str, value: str, words: str) -> None:
    done = run(tmp_path, "-c", "import paywell.config.wsgi", **{name: value})
    assert done.returncode != 0
    assert words in done.stderr


def test_the_collector_leaves_alone_what_stood_when_the_server_started(tmp_path: Path) -> None:
    shutil.copyfile(blank_file(), tmp_path / "paywell.sqlite3")
    done = run(tmp_path, "-c", "import paywell.config.wsgi, gc; print(gc.get_freeze_count())")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 50_000
