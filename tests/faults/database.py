"""The real database under the simulation: commits are seen and can fail, and a history is taken back whole.

A history runs inside one outer transaction that is rolled back at its end; the product's own transactions become
savepoints in it. So nothing has to be set up again, statements stay compiled, and a restore from an older backup is
a rollback to a savepoint. One connection and one thread: a switch inside a transaction is an error, so no other
task can see what is not committed. What real concurrency does to locks is tried elsewhere (`tests/concurrency`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Protocol

from django.db import OperationalError, connections
from django.db.transaction import Atomic

WRITES = ("INSERT", "UPDATE", "DELETE")


class Watcher(Protocol):
    """What the history does at each event of the database. Each may raise instead of letting it happen."""

    def on_begin(self) -> None: ...
    def on_commit(self, commit: Callable[[], None]) -> None: ...
    def after_commit(self) -> None: ...
    def before_read(self) -> None: ...
    def is_dead(self) -> bool: ...


class Database:
    """Hooks on Django's one connection."""

    def __init__(self) -> None:
        self.connection = connections["default"]
        self.connection.ensure_connection()
        self.is_sqlite = self.connection.vendor == "sqlite"
        self.watcher: Watcher | None = None
        self.is_open = False  #: a transaction of the product
        raw: Any = self.connection
        if self.is_sqlite:
            self._raw = self.connection.connection.cursor()
            raw._start_transaction_under_autocommit = self._begin
            raw._set_autocommit = lambda autocommit: None
        else:
            self._raw = self.connection.connection.cursor()
            raw._set_autocommit = lambda autocommit: None if autocommit else self._begin()
        raw._commit = self._commit
        raw._rollback = self._rollback
        self._outer_exit = Atomic.__exit__
        database = self

        def leave(atomic: Atomic, *error: Any) -> None:
            database._outer_exit(atomic, *error)
            if error[0] is None and not database.connection.in_atomic_block and database.watcher is not None:
                database.watcher.after_commit()

        Atomic.__exit__ = leave  # type: ignore[method-assign]
        self.connection.execute_wrappers.append(self._execute)

    def execute(self, sql: str) -> None:
        """A statement of the harness itself."""
        self._raw.execute(sql)

    def fetch(self, sql: str) -> list[Any]:
        self._raw.execute(sql)
        return self._raw.fetchall()

    def begin_history(self) -> None:
        self.execute("BEGIN")

    def end_history(self) -> None:
        self.watcher = None
        self.execute("ROLLBACK")

    def back_up(self) -> None:
        """From here on `put_back` leads back to what is committed now."""
        self.execute("SAVEPOINT backup")

    def put_back(self) -> None:
        self.execute("ROLLBACK TO SAVEPOINT backup")

    # Django's connection.

    def _begin(self) -> None:
        if self.watcher is not None:
            self.watcher.on_begin()
        self.execute("SAVEPOINT phase")
        self.is_open = True

    def _commit(self) -> None:
        if self.watcher is not None:
            self.watcher.on_commit(self._release)
        else:
            self._release()

    def _release(self) -> None:
        self.execute("RELEASE SAVEPOINT phase")
        self.is_open = False

    def _rollback(self) -> None:
        """Nothing where the commit had gone through before its answer was lost."""
        if self.is_open:
            self.execute("ROLLBACK TO SAVEPOINT phase")
            self._release()

    def _execute(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        watcher = self.watcher
        if watcher is None:
            return execute(sql, params, many, context)
        if watcher.is_dead():
            raise RuntimeError("A process that is gone reached for the database.")
        if self.connection.in_atomic_block:
            return execute(sql, params, many, context)
        if not sql.startswith(WRITES):
            watcher.before_read()
            return execute(sql, params, many, context)  # one that failed would end the history, and be seen
        result: list[Any] = []
        watcher.on_begin()
        watcher.on_commit(lambda: result.append(self._guarded(execute, sql, params, many, context)))
        watcher.after_commit()
        return result[0]

    def _guarded(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """A writing statement of its own. On PostgreSQL an error must not end the outer transaction."""
        if self.is_sqlite:
            return execute(sql, params, many, context)
        self.execute("SAVEPOINT statement")
        try:
            result = execute(sql, params, many, context)
        except Exception:
            self.execute("ROLLBACK TO SAVEPOINT statement")
            raise
        self.execute("RELEASE SAVEPOINT statement")
        return result


def busy() -> OperationalError:
    """Somebody else held the lock for longer than we wait."""
    cause = sqlite3.OperationalError("database is locked")
    cause.sqlite_errorname = "SQLITE_BUSY"
    return _caused(cause)


def full() -> OperationalError:
    cause = sqlite3.OperationalError("database or disk is full")
    cause.sqlite_errorname = "SQLITE_FULL"
    return _caused(cause)


def lost() -> OperationalError:
    """The connection is gone, and with it the answer whether the commit went through."""
    return _caused(sqlite3.OperationalError("server closed the connection unexpectedly"))


def _caused(cause: Exception) -> OperationalError:
    error = OperationalError(str(cause))
    error.__cause__ = cause
    return error
