"""`paywell migrate`: Django's own, in steps that wait two seconds at most for a lock and are tried again.

A change of a table that waits for one long reader makes every later reader wait behind it. On PostgreSQL each
migration is one transaction: one that gave up has changed nothing, and those before it stay.

SQLite has one lock for everything. Who waits for it looks again every tenth of a second, so a row of migrations
would keep all payments waiting until the last: after each one they get their turn. And what the tables look like
before and after each step is worked out before the lock is taken: that takes ten times as long as the steps.
"""

from __future__ import annotations

import time
from typing import Any, Final

from django.core.management.commands import migrate
from django.db import OperationalError, connections
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState

LOCK_TIMEOUT: Final = "2s"
#: A change of data may take longer than a page may.
STATEMENT_TIMEOUT: Final = "10min"
TRIES: Final = 30
PAUSE_S: Final = 1.0
#: Between two migrations of a database that is at work.
TURN_S: Final = 0.5
_LOCK_NOT_AVAILABLE: Final = "55P03"


class PreparedExecutor(MigrationExecutor):
    """Knows every state of a migration's tables before it takes the first lock."""

    def apply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        if migration.atomic and not fake and not fake_initial:
            states = _states_of(migration, state)

            def apply(
                project_state: ProjectState, schema_editor: BaseDatabaseSchemaEditor, collect_sql: bool = False
            ) -> ProjectState:
                for operation, before, after in zip(migration.operations, states, states[1:], strict=False):
                    operation.database_forwards(migration.app_label, schema_editor, before, after)
                return states[-1]

            migration.apply = apply  # type: ignore[method-assign]
        return super().apply_migration(state, migration, fake, fake_initial)


def _states_of(migration: Migration, state: ProjectState) -> list[ProjectState]:
    """Before the first operation and after each, each with models of its own: no later change reaches them."""
    bare = state.clone()
    bare.__dict__.pop("apps", None)
    states = [bare.clone()]
    for operation in migration.operations:
        operation.state_forwards(migration.app_label, bare)
        states.append(bare.clone())
    for each in states:
        each.is_delayed = False
        _ = each.apps
    return states


class Command(migrate.Command):
    is_at_work = False

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        self.is_at_work = bool(MigrationRecorder(connection).applied_migrations())
        # An empty database has nobody who waits, and so many states would take minutes.
        migrate.MigrationExecutor = PreparedExecutor if self.is_at_work else MigrationExecutor  # type: ignore[attr-defined]
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
