"""Copies of the database: SQLite's online back-up, PostgreSQL's pg_dump and pg_restore. Both while Paywell runs.

Beside each copy stands `NAME.json`: when the copy was begun, of which kind it is, and its SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection, connections
from django.db.backends.sqlite3._functions import register  # type: ignore[import-untyped]

from paywell import __version__
from paywell.core import clock

#: Where pg_dump and pg_restore are, if not on the path: they must be as new as the server.
PG_FOLDER: Final = "PAYWELL_PG_BIN"
_SUFFIXES: Final = {"sqlite": ".sqlite3", "postgresql": ".pgdump"}


class BackupError(Exception):
    """What went wrong, in words for whoever runs the command."""


@dataclass(frozen=True, slots=True)
class Backup:
    path: Path
    made_at: datetime
    kind: str


def get_folder() -> Path:
    return Path(settings.VAR) / "backups"


def make_backup(path: Path | None = None, *, prefix: str = "paywell") -> Backup:
    """Copy the database to `path`, by default a new file in the var folder. Raises BackupError."""
    began = clock.now()
    kind = connection.vendor
    path = path or get_folder() / f"{prefix}-{began:%Y%m%d-%H%M%S-%f}{_SUFFIXES[kind]}"
    if path.exists():
        raise BackupError(f"{path} exists already. Name another file.")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        partial.touch(mode=0o600)
        if kind == "sqlite":
            copy_sqlite(Path(connection.settings_dict["NAME"]), partial)
            _be_one_file(partial)
        else:
            _dump_postgresql(partial)
        with partial.open("rb+") as copy:
            os.fsync(copy.fileno())
        told = {"made_at": began.isoformat(), "kind": kind, "sha256": _digest(partial), "version": __version__}
        note_of(path).write_text(json.dumps(told, indent=1))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return Backup(path, began, kind)


def read_backup(path: Path) -> Backup:
    """What is known of a copy. Raises BackupError for one that is missing, changed, or of the other database."""
    if not path.is_file():
        raise BackupError(f"There is no {path}.")
    try:
        told = json.loads(note_of(path).read_text())
        made_at, kind, digest = datetime.fromisoformat(told["made_at"]), told["kind"], told["sha256"]
    except FileNotFoundError:
        raise BackupError(
            f"{note_of(path).name} is missing beside it: it says when the back-up was made."
        ) from None
    except (ValueError, KeyError, TypeError):
        raise BackupError(f"{note_of(path).name} can't be read.") from None
    if kind != connection.vendor:
        raise BackupError(f"This is a back-up of {kind}, and the database here is {connection.vendor}.")
    if _digest(path) != digest:
        raise BackupError("The file is not what was written: its checksum differs. Take another back-up.")
    return Backup(path, made_at, kind)


def put_back(backup: Backup) -> None:
    """Replace everything in the database by the copy, which is checked before and after. Raises BackupError."""
    connections.close_all()
    if backup.kind == "sqlite":
        target = Path(connection.settings_dict["NAME"])
        target.parent.mkdir(parents=True, exist_ok=True)
        check_sqlite(backup.path)
        copy_sqlite(backup.path, target)
        check_sqlite(target)
    else:
        restore_postgresql(backup.path, connection.settings_dict["NAME"])
    connections.close_all()


def copy_sqlite(source: Path, target: Path) -> None:
    """Page by page through SQLite itself, so that a copy of a database in use is whole."""
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)) as read,
            closing(sqlite3.connect(target, timeout=30)) as write,
        ):
            read.backup(write)
    except sqlite3.Error as error:
        raise BackupError(f"SQLite could not copy {source} to {target}: {error}") from None


def _be_one_file(path: Path) -> None:
    """Without a log beside it, which whoever opens the copy would make anew and leave there."""
    with closing(sqlite3.connect(path, timeout=30)) as copy:
        copy.execute("PRAGMA journal_mode = DELETE")


def check_sqlite(path: Path) -> None:
    """Whole, and no reference leads nowhere. Raises BackupError."""
    try:
        with closing(sqlite3.connect(path, timeout=30)) as database:
            register(database)  # the check evaluates our constraints, which use Django's functions
            said = [row[0] for row in database.execute("PRAGMA integrity_check(5)")]
            loose = database.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.Error as error:
        raise BackupError(f"{path} is no whole SQLite database: {error}") from None
    if said != ["ok"] or loose is not None:
        raise BackupError(f"{path} is damaged: {'; '.join(said)}{' a reference leads nowhere' if loose else ''}")


def _dump_postgresql(target: Path) -> None:
    # Row-level security stays on: without a scope it shows all rows, and only a superuser could turn it off.
    _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--enable-row-security", f"--file={target}")


def restore_postgresql(source: Path, name: str) -> None:
    """Into the database of that name, in place of what it holds."""
    _run(
        "pg_restore", "--clean", "--if-exists", "--no-owner", "--no-privileges", "--exit-on-error",
        "--single-transaction", f"--dbname={name}", str(source),
    )  # fmt: skip


def _run(program: str, *arguments: str) -> None:
    folder = os.environ.get(PG_FOLDER)
    found = shutil.which(program, path=folder or None)
    if found is None:
        where = folder or "the path"
        raise BackupError(
            f"{program} is not in {where}. It comes with PostgreSQL's client programs (on Debian and Ubuntu: "
            f"apt-get install postgresql-client) and must be as new as the server; {PG_FOLDER} can name its folder."
        )
    done = subprocess.run(
        [found, *arguments], env={**os.environ, **_login()}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BackupError(f"{program} failed: {done.stderr.strip()[-600:]}")


def _login() -> Mapping[str, str]:
    """The database's address for PostgreSQL's programs; a password does not stand in the list of processes."""
    known: dict[str, Any] = connection.settings_dict
    names = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "PASSWORD": "PGPASSWORD", "NAME": "PGDATABASE"}
    return {variable: str(known[name]) for name, variable in names.items() if known.get(name)}


def note_of(path: Path) -> Path:
    """What stands beside a copy."""
    return path.with_name(path.name + ".json")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
