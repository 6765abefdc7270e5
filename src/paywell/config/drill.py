"""A back-up is tried out: put into a database of its own, brought to today's tables, checked, thrown away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from django.core.management import call_command
from django.db import DatabaseError, connection

from paywell.books.check import check_books
from paywell.config.backups import Backup, BackupError, check_sqlite, copy_sqlite, get_folder, restore_postgresql
from paywell.core import clock
from paywell.core.backup_news import TriedOut
from paywell.core.ids import new_key

#: The laws that a copy can break: two sides, chain, sums, steps. The books' own check tells of the others.
_OF_A_COPY: Final = frozenset({1, 10, 11, 12})


def try_out(backup: Backup) -> TriedOut:
    """Whether the copy came back whole, or what is wrong with it.

    For a process of its own: within it the connection leads to the scratch database.
    """
    began, transfers = time.monotonic(), 0
    try:
        with _scratch(backup):
            call_command("migrate", verbosity=0)
            with clock.set_to(backup.made_at):
                report = check_books()
            transfers = report.looked_at["transfers"]
            broken = [each for each in report.offences if each.law in _OF_A_COPY]
        why = f"The books in it break law {broken[0].law} at {broken[0].id}." if broken else ""
    except (BackupError, DatabaseError, OSError) as error:
        why = str(error).strip()
    return TriedOut(clock.now(), backup.made_at, round(time.monotonic() - began), transfers, why)


@contextmanager
def _scratch(backup: Backup) -> Iterator[None]:
    """The connection leads to a database that holds the copy. Raises BackupError where none can be made of it."""
    ours = connection.settings_dict["NAME"]
    make = _scratch_sqlite if backup.kind == "sqlite" else _scratch_postgresql
    with make(backup.path) as name:
        connection.close()
        connection.settings_dict["NAME"] = name
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = ours


@contextmanager
def _scratch_sqlite(source: Path) -> Iterator[str]:
    get_folder().mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="trial-", dir=get_folder()) as folder:
        target = Path(folder) / "paywell.sqlite3"
        check_sqlite(source)
        copy_sqlite(source, target)
        check_sqlite(target)
        yield str(target)


@contextmanager
def _scratch_postgresql(source: Path) -> Iterator[str]:
    name = f"paywell_trial_{new_key()[:16].lower()}"
    quoted = connection.ops.quote_name(name)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {quoted} TEMPLATE template0")
    except DatabaseError as error:
        raise BackupError(
            f"No database could be made to try it out in ({str(error).strip()}). Paywell's database user needs "
            "CREATEDB for that."
        ) from None
    try:
        restore_postgresql(source, name)
        yield name
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {quoted} WITH (FORCE)")
