"""`paywell migrate`: Django's own, in steps that wait two seconds at most for a lock and are tried again.

A change of a table that waits for one long reader makes every later reader wait behind it. On PostgreSQL each
migration is one transaction: one that gave up has changed nothing, and those before it stay.
"""

from __future__ import annotations

import time
from typing import Any, Final

from django.core.management.commands import migrate
from django.db import OperationalError, connections

LOCK_TIMEOUT: Final = "2s"
#: A change of data may take longer than a page may.
STATEMENT_TIMEOUT: Final = "10min"
TRIES: Final = 30
PAUSE_S: Final = 1.0
_LOCK_NOT_AVAILABLE: Final = "55P03"


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
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
