"""The SQL of an INSERT, remembered by its table, columns and number of rows."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

from django.db.models.sql.compiler import SQLInsertCompiler

#: Each statement that is remembered is built anew as well (`Mode.COMPARED`).
is_compared = False
_known: dict[Hashable, str] = {}
#: What `cryptography`'s Fernet makes of a number: begins with its version and the time, and goes on at random.
_ENCRYPTED = re.compile(r"gAAAA[\w=-]+")


def switch_on() -> None:
    usual = SQLInsertCompiler.as_sql

    def as_sql(compiler: SQLInsertCompiler) -> list[tuple[str, tuple[Any, ...]]]:
        key = _key(compiler)
        sql = _known.get(key) if key else None
        if sql is None:
            made = usual(compiler)
            if key and len(made) == 1 and made[0][0].count("%s") == len(made[0][1]) == key[2] * len(key[1]):
                _known[key] = made[0][0]
            return made
        query = compiler.query
        parameters: list[Any] = []
        for row in query.objs:
            for field in query.fields:
                value = compiler.pre_save_val(field, row)
                if hasattr(value, "resolve_expression"):
                    return usual(compiler)
                parameters.append(field.get_db_prep_save(value, connection=compiler.connection))
        if is_compared:
            _compare(compiler, usual(compiler), sql, parameters)
        return [(sql, tuple(parameters))]

    SQLInsertCompiler.as_sql = as_sql  # type: ignore[method-assign]


def _key(compiler: SQLInsertCompiler) -> tuple[Any, ...] | None:
    """None for what is not a plain INSERT: columns with SQL of their own, or something that comes back."""
    query = compiler.query
    if compiler.returning_fields or not query.fields:
        return None
    if any(hasattr(field, "get_placeholder") for field in query.fields):
        return None
    return (
        query.model, tuple(query.fields), len(query.objs), query.on_conflict,
        tuple(query.update_fields), tuple(query.unique_fields),
    )  # fmt: skip


def _compare(compiler: SQLInsertCompiler, made: Any, sql: str, parameters: list[Any]) -> None:
    """Raises AssertionError if they differ, but for the time of each and for what is encrypted anew each time."""
    fields = list(compiler.query.fields) * len(compiler.query.objs)
    ((plain, values),) = made
    if sql != plain or any(
        _ENCRYPTED.sub("", repr(mine)) != _ENCRYPTED.sub("", repr(other))
        and not getattr(field, "auto_now_add", False)
        for field, mine, other in zip(fields, parameters, values, strict=True)
    ):
        raise AssertionError(f"Remembered:\n{sql}\n{parameters}\nDjango:\n{made}")
