"""`paywell migrate`: Django's own, in steps that wait two seconds at most for a lock and are tried again.

A change of a table that waits for one long reader makes every later reader wait behind it. On PostgreSQL each
migration is one transaction: one that gave up has changed nothing, and those before it stay.

SQLite has one lock for everything. Who waits for it looks again every tenth of a second, so a row of migrations
would keep all payments waiting until the last: after each one they get their turn.
"""

from __future__ import annotations

import time
from typing import Any, Final

from django.core.management.commands import migrate
from django.db import OperationalError, connections
from django.db.migrations.recorder import MigrationRecorder

LOCK_TIMEOUT: Final = "2s"
#: A change of data may take longer than a page may.
STATEMENT_TIMEOUT: Final = "10min"
TRIES: Final = 30
PAUSE_S: Final = 1.0
#: Between two migrations of a database that is at work.
TURN_S: Final = 0.5
_LOCK_NOT_AVAILABLE: Final = "55P03"


class Command(migrate.Command):
    is_at_work = False

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        self.is_at_work = bool(MigrationRecorder(connection).applied_migrations())
        if connection.vendor != "postgresql":
            super().handle(*args, **options)
            return
        for left in range(TRIES - 1, -1, -1):
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SET lock_timeout = '{LOCK_TIMEOUT}'; SET statement_timeout = '{STATEMENT_TIMEOUT}'"
                )
            try:
                super().handle(*args, **options)
                return
            except OperationalError as error:
                if getattr(error.__cause__, "sqlstate", "") != _LOCK_NOT_AVAILABLE or not left:
                    raise
                self.stderr.write(f"A table is in use; trying again in {PAUSE_S:.0f} s ({left} times more).")
                time.sleep(PAUSE_S)
            finally:
                with connection.cursor() as cursor:
                    cursor.execute("RESET lock_timeout; RESET statement_timeout")

    def migration_progress_callback(self, action: str, migration: Any = None, fake: bool = False) -> None:
        super().migration_progress_callback(action, migration, fake)
        if action == "apply_success" and self.is_at_work:
            time.sleep(TURN_S)
