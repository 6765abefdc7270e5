"""Querysets compiled to SQL once instead of at each request.

Django builds a query's SQL anew every time it runs; for the few reads that stand on every page this takes longer
than the database's own work. A `Prepared` holds a function that makes a queryset. The first call compiles it, later
ones send the same SQL with other values:

    _LINES = Prepared(lambda practice, lines: InvoiceLine.objects.filter(practice_id=practice, id__in=lines))
    rows = _LINES(practice=viewer.practice.id, lines=[...])

What comes back is what `list(queryset)` would give: models with their related ones, dicts or tuples. The SQL is
Django's in every word, for SQLite as for PostgreSQL, and values travel as parameters, so nothing that a person
typed can become part of it.

Two rules for the function. It depends on its arguments alone. And it uses values of the type UUID, str, date and
datetime, also those inside a collection, in filters only and without looking at them: at compiling it gets
stand-ins, whose places among the parameters are then remembered. All other arguments (numbers, None, and how many
members a collection has) belong to the shape of the query; each shape is compiled once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any, Final, Generic, TypeVar, cast
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.transaction import TransactionManagementError

from paywell.core.ids import new_id, new_key

Row = TypeVar("Row")

#: The types whose values travel as parameters, and how the database takes them.
_FIELDS: Final[dict[type, models.Field[Any, Any]]] = {
    UUID: models.UUIDField(),
    str: models.CharField(),
    datetime: models.DateTimeField(),
    date: models.DateField(),
}
#: Shapes kept for each connection; far more than there are, and a bound all the same.
_MOST: Final = 500
#: A query with more values than this (a long export) is compiled anew: it is rare, and each length a shape.
_MOST_VALUES: Final = 64
_number = count()


class Prepared(Generic[Row]):
    """A queryset that is compiled once for each shape. Call it with the values by name."""

    def __init__(self, build: Callable[..., models.QuerySet[Any, Row]]) -> None:
        self.build = build

    def __call__(self, **arguments: Any) -> list[Row]:
        """The rows, as `list(queryset)` would give them. One query, or none where nothing can match."""
        values = _values_in(arguments.values())
        if len(values) > _MOST_VALUES:
            return list(self.build(**arguments))
        shape = (self, *((name, _shape_of(value)) for name, value in arguments.items()))
        plans: dict[Hashable, _Plan] = connection.__dict__.setdefault("_paywell_plans", {})
        plan = plans.get(shape)
        if plan is None:
            if len(plans) >= _MOST:
                plans.clear()
            plan = plans[shape] = _Plan(self.build, arguments)
        return plan.run(values)

    def first(self, **arguments: Any) -> Row | None:
        """The first of the rows. Build the queryset with `[:1]`, so that the database reads no more."""
        rows = self(**arguments)
        return rows[0] if rows else None


class _Plan:
    """One shape of a query, compiled for one connection; Django's own iterables make the rows of it."""

    def __init__(self, build: Callable[..., models.QuerySet[Any, Any]], arguments: Mapping[str, Any]) -> None:
        stand_ins = {name: _stand_in(value) for name, value in arguments.items()}
        self.rows = build(**stand_ins)
        self.is_empty = False
        self.values: list[Any] = []
        compiler = self.rows.query.get_compiler(connection=connection)
        try:
            self.sql, parameters = compiler.as_sql()
        except EmptyResultSet:
            self.is_empty = True
            return
        self.parameters = _find_places(parameters, _values_in(stand_ins.values()))
        converters = compiler.get_converters([column[0] for column in compiler.select[: compiler.col_count]])
        # The queryset hands out this compiler whenever it is run, and the compiler the SQL that it made above.
        self.rows.query.get_compiler = lambda *args, **kwargs: compiler  # type: ignore[method-assign]
        compiler.as_sql = self._as_sql
        compiler.get_converters = lambda expressions: converters

    def run(self, values: list[Any]) -> list[Any]:
        if self.is_empty:
            return []
        if self.rows.query.select_for_update and not connection.in_atomic_block:
            raise TransactionManagementError("Rows are locked inside a transaction.")
        self.values = values
        rows: Any = self.rows._iterable_class(self.rows)
        return list(rows)

    def _as_sql(self, *args: Any, **kwargs: Any) -> tuple[str, tuple[Any, ...]]:
        return self.sql, tuple(
            part.field.get_db_prep_value(self.values[part.place], connection) if type(part) is _Place else part
            for part in self.parameters
        )


@dataclass(frozen=True, slots=True)
class _Place:
    """A parameter that is given anew at each call: the value at `place`, as `field` sends it."""

    place: int
    field: models.Field[Any, Any]


def _find_places(parameters: Iterable[Any], stand_ins: list[Any]) -> list[Any]:
    """The SQL's parameters, with each stand-in replaced by its place.

    A stand-in that is not found was looked at or changed on its way: such a function can't be prepared.
    """
    places = {}
    for place, value in enumerate(stand_ins):
        field = _FIELDS[type(value)]
        places[field.get_db_prep_value(value, connection)] = _Place(place, field)
    parts = [places.get(part, part) if isinstance(part, Hashable) else part for part in parameters]
    if not set(places.values()) <= {part for part in parts if isinstance(part, _Place)}:
        raise TypeError("A prepared query must use each of its values as it is, in a filter.")
    return parts


def _shape_of(value: Any) -> Hashable:
    """What of an argument decides the SQL: the type of a value that travels, else the argument itself."""
    if type(value) in _FIELDS:
        return cast(Hashable, type(value))
    if isinstance(value, list | tuple | set | frozenset):
        return tuple(map(_shape_of, value))
    return type(value), value


def _values_in(arguments: Iterable[Any]) -> list[Any]:
    """The values that travel, in the order of the arguments and, within a collection, of its iteration."""
    found: list[Any] = []
    for argument in arguments:
        if type(argument) in _FIELDS:
            found.append(argument)
        elif isinstance(argument, list | tuple | set | frozenset):
            found += _values_in(argument)
    return found


def _stand_in(value: Any) -> Any:
    """Something of the same type that is met nowhere else; collections become lists, which keep their order."""
    if isinstance(value, list | tuple | set | frozenset):
        return [_stand_in(member) for member in value]
    if type(value) is UUID:
        return new_id()
    if type(value) is str:
        return new_key()
    if type(value) is datetime:
        return datetime(9000, 1, 1, tzinfo=UTC) + timedelta(seconds=next(_number))
    if type(value) is date:
        return date(9000, 1, 1) + timedelta(days=next(_number) % 200_000)
    return value
