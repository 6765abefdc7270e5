"""Database helpers: transactions by phase, row locks, tables that only grow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db import OperationalError, connection, models, transaction
from django.db.migrations.operations import RunPython
from django.db.models.functions import Coalesce
from django.db.transaction import Atomic

Row = TypeVar("Row", bound=models.Model)
Result = TypeVar("Result")

#: Serialization failure and deadlock: the database undid the transaction, and asks to run it again.
_RUN_AGAIN: Final = frozenset({"40001", "40P01", "SQLITE_BUSY_SNAPSHOT"})
#: Somebody held a lock for longer than we wait.
_WAITED: Final = frozenset({"55P03", "SQLITE_BUSY", "SQLITE_LOCKED"})


def apart(name: str) -> Coalesce:
    """A column as a condition that no index answers: for queries that name their rows by keys.

    SQLite, while it has no statistics (`core.jobs` has them gathered once a day), takes an index that begins with
    the practice rather than a handful of keys, and reads all that the practice ever had.
    `.alias(of=apart("practice_id")).filter(of=..., id__in=...)` checks the practice on the rows of those keys
    alone, on PostgreSQL as well.
    """
    return Coalesce(name, name)


def phase() -> Atomic:
    """One transaction that really commits at its end: refuses to run inside another one.

    The payment path is a row of phases with processor calls between them; a phase that could be swallowed
    by an outer transaction would make a call part of something that may be rolled back.
    """
    return transaction.atomic(durable=True)


def repeat(work: Callable[[], Result], *, times: int = 3) -> Result:
    """Run `work`, which is one phase and makes no call, again where it lost against another transaction.

    The last time, the database's own error comes through.
    """
    for _ in range(times - 1):
        try:
            return work()
        except OperationalError as error:
            if _code_of(error) not in _RUN_AGAIN:
                raise
    return work()


def is_busy(error: OperationalError) -> bool:
    """Whether the transaction was undone only because others were at work: it may succeed later."""
    return _code_of(error) in _RUN_AGAIN | _WAITED


def _code_of(error: OperationalError) -> str:
    """PostgreSQL's SQLSTATE, or the name of SQLite's error."""
    cause = error.__cause__
    return getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None) or ""


def in_transaction() -> bool:
    """Whether a transaction is open. Tests run in one of their own, which does not count."""
    if not connection.in_atomic_block:
        return False
    return any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)


def lock(rows: models.QuerySet[Row]) -> models.QuerySet[Row]:
    """The same rows, held until the transaction ends.

    PostgreSQL: FOR NO KEY UPDATE of the rows themselves, not of joined ones. Rows that refer to them may be added
    meanwhile: FOR UPDATE would keep such a transaction waiting at its end, where the database looks up what it
    refers to, with other locks in its hands, and so was one half of a deadlock. SQLite knows no row locks: there
    every write transaction begins with BEGIN IMMEDIATE, which holds the whole database.
    """
    if connection.vendor == "postgresql":
        return rows.select_for_update(of=("self",), no_key=True)
    return rows


def append_only(table: str) -> RunPython:
    """A migration operation after which the database itself refuses to change or delete rows of `table`."""

    def forbid(apps: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor == "sqlite":
            for verb in ("UPDATE", "DELETE"):
                schema_editor.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
                    params=None,
                )
            return
        schema_editor.execute(
            "CREATE OR REPLACE FUNCTION paywell_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '23514'; END $$",
            params=None,
        )
        schema_editor.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION paywell_append_only()"
        )
        schema_editor.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION paywell_append_only()"
        )

    def allow(apps: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor == "sqlite":
            for verb in ("update", "delete"):
                schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_no_{verb}")
            return
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_append_only ON {table}")
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_no_truncate ON {table}")

    return RunPython(forbid, allow)


def frozen_columns(table: str, columns: Sequence[str], *, once: Sequence[str] = ()) -> RunPython:
    """A migration operation after which the database refuses to change `columns` of a row, or to delete one.

    Columns in `once` may be set while they are null, and never again.
    """

    def forbid(apps: Any, schema_editor: Any) -> None:
        quote = schema_editor.quote_name
        differs = "IS NOT" if schema_editor.connection.vendor == "sqlite" else "IS DISTINCT FROM"
        changed = [f"OLD.{quote(name)} {differs} NEW.{quote(name)}" for name in columns]
        changed += [
            f"(OLD.{quote(name)} IS NOT NULL AND OLD.{quote(name)} {differs} NEW.{quote(name)})" for name in once
        ]
        condition = " OR ".join(changed)
        if schema_editor.connection.vendor == "sqlite":
            refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is frozen'); END"
            schema_editor.execute(
                f"CREATE TRIGGER {table}_frozen BEFORE UPDATE ON {table} WHEN {condition} {refuse}", params=None
            )
            schema_editor.execute(
                f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}", params=None
            )
            return
        schema_editor.execute(
            "CREATE OR REPLACE FUNCTION paywell_frozen() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is frozen', TG_TABLE_NAME USING ERRCODE = '23514'; END $$",
            params=None,
        )
        schema_editor.execute(
            f"CREATE TRIGGER {table}_frozen BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({condition}) "
            f"EXECUTE FUNCTION paywell_frozen()",
            params=None,
        )
        schema_editor.execute(
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW "
            f"EXECUTE FUNCTION paywell_frozen()",
            params=None,
        )

    def allow(apps: Any, schema_editor: Any) -> None:
        suffix = "" if schema_editor.connection.vendor == "sqlite" else f" ON {table}"
        for name in ("frozen", "no_delete"):
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_{name}{suffix}", params=None)

    return RunPython(forbid, allow)


def scope_to_practice(practice_id: UUID | None) -> None:
    """Let this connection see only the rows of one practice; None lifts it again.

    PostgreSQL: the second wall behind every query's own filter (row-level security, see `paywell.config.walls`).
    A query that forgot its practice then finds nothing of another one. SQLite has no such wall. One round trip, and
    none when nothing changes.
    """
    if connection.vendor != "postgresql":
        return
    value = str(practice_id) if practice_id else ""
    held: tuple[object, str] = getattr(connection, "_paywell_scope", (None, ""))
    is_new_connection = connection.connection is None or held[0] is not connection.connection
    if value == ("" if is_new_connection else held[1]):
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('paywell.practice', %s, false)", [value])
    connection._paywell_scope = (connection.connection, value)  # type: ignore[attr-defined]


@contextmanager
def all_practices() -> Iterator[None]:
    """Within the block the second wall is down: for looking up which practices a person belongs to."""
    held: tuple[object, str] = getattr(connection, "_paywell_scope", (None, ""))
    before = UUID(held[1]) if held[1] and held[0] is connection.connection else None
    scope_to_practice(None)
    try:
        yield
    finally:
        scope_to_practice(before)


@contextmanager
def without_haste() -> Iterator[None]:
    """Within the block a statement may take ten minutes: for what reads all the books, in the worker or a command.

    PostgreSQL ends every other one after fifteen seconds (`settings.base`), so that no page waits for longer.
    """
    if connection.vendor != "postgresql":
        yield
        return
    is_inside = connection.in_atomic_block  # then it ends with the transaction
    with connection.cursor() as cursor:
        cursor.execute(f"SET {'LOCAL ' if is_inside else ''}statement_timeout = '10min'")
    try:
        yield
    finally:
        if not is_inside:
            with connection.cursor() as cursor:
                cursor.execute("RESET statement_timeout")
