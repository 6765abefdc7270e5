"""A query that Django has built once, and what to do to run it again with other values."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models.sql import DeleteQuery, UpdateQuery
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.constants import ROW_COUNT, SINGLE

from tests.faults.remembered.shapes import stand_in, substitute

#: How the database takes what travels.
_FIELDS: dict[type, models.Field[Any, Any]] = {
    UUID: models.UUIDField(),
    str: models.CharField(),
    datetime: models.DateTimeField(),
    date: models.DateField(),
}
#: Each statement that is remembered is built anew as well (`Mode.COMPARED`).
is_compared = False
_plans: dict[Hashable, Plan | None] = {}


class _Place:
    """A parameter of which only the place is known: the value there, as `field` sends it."""

    __slots__ = ("number", "prepare")

    def __init__(self, number: int, field: models.Field[Any, Any]) -> None:
        self.number, self.prepare = number, field.get_db_prep_value


class _Column:
    """A value on its way into a column, as an expression of one parameter: itself."""

    def __init__(self, number: int, field: models.Field[Any, Any]) -> None:
        self.number, self.field = number, field

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, list[Any]]:
        return "%s", [self]

    def prepare(self, value: Any, connection: Any) -> Any:
        return self.field.get_db_prep_save(value, connection)


#: Makes a compiler of a queryset that is plain Django: the one whose SQL is to be kept.
Build = Callable[[models.QuerySet[Any, Any]], SQLCompiler]


class Plan:
    """The SQL of one shape. Raises whatever building it raises: then it can't be remembered."""

    def __init__(self, rows: models.QuerySet[Any, Any], build: Build, stand_ins: Sequence[Any]) -> None:
        self.rows = rows
        self.compiler = compiler = build(rows)
        self.is_empty, self.sql = False, ""
        self.parts: list[tuple[bool, Any]] = []
        self.given: Sequence[Any] = ()
        self.columns: Sequence[Any] = ()
        self.locks = bool(rows.query.select_for_update and connection.features.has_select_for_update)
        try:
            self.sql, parameters = compiler.as_sql()
        except EmptyResultSet:
            self.is_empty = True
            return
        self._find(parameters, stand_ins)
        if hasattr(compiler, "select") and compiler.select is not None:
            wanted = [column[0] for column in compiler.select[: compiler.col_count]]
            converters = compiler.get_converters(wanted)
            compiler.get_converters = lambda expressions: converters
        compiler.as_sql = lambda *args, **kwargs: (self.sql, self.parameters())
        rows.query.get_compiler = lambda *args, **kwargs: compiler  # type: ignore[method-assign]

    def _find(self, parameters: Sequence[Any], stand_ins: Sequence[Any]) -> None:
        places: dict[Any, _Place] = {}
        for number, value in enumerate(stand_ins):
            field = _FIELDS[type(value)]
            places[field.get_db_prep_value(value, connection)] = _Place(number, field)
        found = set()
        for part in parameters:
            place = places.get(part) if isinstance(part, Hashable) else None
            found.add(place)
            self.parts.append((True, place) if place else (type(part) is _Column, part))
        if not set(places.values()) <= found:
            raise TypeError("A value was looked at or changed on its way.")

    def parameters(self) -> tuple[Any, ...]:
        given, columns = self.given, self.columns
        return tuple(
            [
                part
                if not is_place
                else part.prepare((given if type(part) is _Place else columns)[part.number], connection)
                for is_place, part in self.parts
            ]
        )


def find_plan(
    key: Hashable, asked: Any, build: Build, *, given: Sequence[Any], columns: Sequence[Any] = ()
) -> Plan | None:
    """The plan of that shape, made if there is none, with its values set; None where Django must build it.

    `build` gets the queryset `asked` as plain Django makes it, with stand-ins in place of its values.
    """
    try:
        plan = _plans[key]
    except KeyError:
        stand_ins = [stand_in(value) for value in given]
        try:
            plan = Plan(asked.plain(iter(stand_ins)), _bind(build, stand_ins[len(asked.asked_values) :]), stand_ins)
        except Exception:  # whatever it is, Django tells it when it builds the query itself
            plan = None
        _plans[key] = plan
    if plan is None or (plan.locks and connection.get_autocommit()):
        return None
    plan.given, plan.columns = given, columns
    if is_compared and not plan.is_empty:
        _compare(plan, asked, build, given[len(asked.asked_values) :])
    return plan


def _bind(build: Build, more: Sequence[Any]) -> Build:
    """For operations whose own arguments hold values too."""
    with_values = getattr(build, "with_values", None)
    return build if with_values is None else with_values(iter(more))  # type: ignore[no-any-return]


def _compare(plan: Plan, asked: Any, build: Build, more: Sequence[Any]) -> None:
    sql, parameters = _bind(build, more)(asked.plain(None)).as_sql()
    plain = tuple(
        part.prepare(plan.columns[part.number], connection) if type(part) is _Column else part
        for part in parameters
    )
    if sql != plan.sql or repr(plain) != repr(plan.parameters()):  # what wraps JSON is equal to itself only
        raise AssertionError(f"Remembered:\n{plan.sql}\n{plan.parameters()}\nDjango:\n{sql}\n{plain}")


# What is done with a queryset, each as a compiler of it.


def select(rows: models.QuerySet[Any, Any]) -> SQLCompiler:
    return rows.query.get_compiler(connection=connection)


def exists(rows: models.QuerySet[Any, Any]) -> SQLCompiler:
    return rows.query.exists().get_compiler(connection=connection)


def delete(rows: models.QuerySet[Any, Any]) -> SQLCompiler:
    query = rows.query.clone()
    query.select_for_update = query.select_related = False
    query.clear_ordering(force=True)
    query.__class__ = DeleteQuery
    return query.get_compiler(connection=connection)


class Update:
    """Sets columns. Plain values travel, expressions are part of the shape."""

    def __init__(self, values: Sequence[tuple[models.Field[Any, Any], Any, bool]]) -> None:
        self.values = values  #: field, value, and whether it is an expression

    def with_values(self, given: Any) -> Update:
        return Update(
            [(field, substitute(value, given) if made else value, made) for field, value, made in self.values]
        )

    def __call__(self, rows: models.QuerySet[Any, Any]) -> SQLCompiler:
        query = rows.query.chain(UpdateQuery)
        number, values = 0, []
        for field, value, is_expression in self.values:
            if not is_expression and value is not None:
                value, number = _Column(number, field), number + 1
            values.append((field, None, value))
        query.add_update_fields(values)
        query.annotations = {}
        return query.get_compiler(connection=connection)


class Aggregate:
    """One row of sums and counts."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self.wanted = wanted

    def with_values(self, given: Any) -> Aggregate:
        return Aggregate({name: substitute(each, given) for name, each in self.wanted.items()})

    def __call__(self, rows: models.QuerySet[Any, Any]) -> SQLCompiler:
        caught: list[SQLCompiler] = []
        usual = SQLCompiler.execute_sql

        def catch(compiler: SQLCompiler, *args: Any, **kwargs: Any) -> None:
            caught.append(compiler)

        SQLCompiler.execute_sql = catch  # type: ignore[method-assign, assignment]
        try:
            rows.query.chain().get_aggregation("default", self.wanted)
        finally:
            SQLCompiler.execute_sql = usual  # type: ignore[method-assign]
        return caught[0]


def run_exists(plan: Plan) -> bool:
    return not plan.is_empty and plan.compiler.has_results()


def run_update(plan: Plan) -> int:
    """How many rows were written, or deleted."""
    return 0 if plan.is_empty else plan.compiler.execute_sql(ROW_COUNT)


def run_aggregate(plan: Plan) -> dict[str, Any]:
    """As `Query.get_aggregation` ends."""
    wanted, compiler = plan.compiler.query.annotation_select, plan.compiler
    result = compiler.execute_sql(SINGLE)
    columns = wanted.values()
    (row,) = compiler.apply_converters((result,), compiler.get_converters(columns))
    return dict(zip(wanted, row, strict=True))
