"""Paywell's tables without a row, migrated once and then copied by everybody who needs a database.

Migrating from nothing takes twenty seconds of a processor, and a run of the suite needs about twenty databases.
The copy is migrated once more where it is used, so that what comes after migrating comes there too.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from paywell.core.ids import new_id

ROOT = Path(__file__).resolve().parents[1]
#: Names the PostgreSQL database that new ones are copied from, where there is one (see `blank_on_postgresql`).
VARIABLE = "PAYWELL_TEST_BLANK"


def blank_file() -> Path:
    """The SQLite file, in the folder for temporary files: made anew when what migrating consists of has changed."""
    kept = Path(tempfile.gettempdir()) / f"paywell-blank-{_digest()}.sqlite3"
    if kept.exists():
        return kept
    with tempfile.TemporaryDirectory(prefix="pw-blank-") as folder:
        _migrate(PAYWELL_VAR=folder)
        made = Path(folder) / "paywell.sqlite3"
        with closing(sqlite3.connect(made)) as database:
            database.execute("PRAGMA journal_mode = DELETE")  # one file, without its log
        fresh = kept.with_suffix(f".{os.getpid()}")
        shutil.copyfile(made, fresh)
        fresh.replace(kept)
    return kept


@contextmanager
def blank_on_postgresql(url: str) -> Iterator[str]:
    """A database on that server to copy from, gone when the block ends. Its name."""
    import psycopg

    name = f"blank_{new_id().hex[-8:]}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    try:
        with tempfile.TemporaryDirectory(prefix="pw-blank-") as folder:
            _migrate(PAYWELL_VAR=folder, PAYWELL_DATABASE_URL=with_name(url, name))
        yield name
    finally:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def with_name(url: str, name: str) -> str:
    """The same server's address with another database."""
    base, mark, query = url.partition("?")
    return f"{base.rpartition('/')[0]}/{name}{mark}{query}"


def _digest() -> str:
    """Of the migrations, the helpers that they import, and the versions of what they run on."""
    source, state = ROOT / "src" / "paywell", hashlib.sha256(sys.version.encode() + sqlite3.sqlite_version.encode())
    for pattern in ("*/migrations/*.py", "core/*.py", "clients/search.py"):
        for path in sorted(source.glob(pattern)):
            state.update(path.read_bytes())
    state.update((ROOT / "requirements" / "dev.txt").read_bytes())
    return state.hexdigest()[:16]


def _migrate(**where: str) -> None:
    """In a process of its own. Raises `RuntimeError` with what it said where it fails."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PAYWELL_")} | {
        "PYTHONPATH": str(ROOT / "src"),
        "DJANGO_SETTINGS_MODULE": "paywell.config.settings.demo",
        "PAYWELL_URL": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-W", "ignore", "-m", "paywell", "migrate", "-v0"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment | where, capture_output=True, text=True, timeout=900, check=False
    )
    if done.returncode:
        raise RuntimeError(f"The tables could not be made:\n{done.stdout}{done.stderr}")
