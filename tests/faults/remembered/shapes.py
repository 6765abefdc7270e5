"""What of a query's arguments decides its SQL (its shape), and what only travels with it (its values)."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from itertools import count
from typing import Any
from uuid import UUID

from django.db.models import F, Field, Model, Q

#: What is as it is in the SQL or decides it: another number is another shape.
_CONSTANTS = (bool, int, float, type(None), timedelta, bytes)
_COLLECTIONS = (list, tuple, set, frozenset)
_number = count(1)
_draw = random.Random("stand-ins")


class Unshaped(Exception):
    """An argument of which nobody knows here what it does to the SQL."""


def scan(value: Any, values: list[Any], *, is_value: bool = False) -> Any:
    """The shape of an argument; what travels is added to `values`, in the order of `substitute`.

    `is_value`: a string is a value here, and not the name of a column. Raises Unshaped.
    """
    kind = type(value)
    if kind is str:
        if not is_value:
            return value
        values.append(value)
        return str
    if kind is UUID or kind is datetime or kind is date:
        values.append(value)
        return kind
    if kind in _CONSTANTS or isinstance(value, Enum):
        return kind, value
    if kind in _COLLECTIONS:
        return kind, tuple([scan(each, values, is_value=is_value) for each in _unlike(value)])
    if isinstance(value, Model):
        if type(value.pk) is not UUID:
            raise Unshaped
        values.append(value.pk)
        return kind
    if isinstance(value, Q):
        children = [
            (child[0], scan(child[1], values, is_value=True)) if type(child) is tuple else scan(child, values)
            for child in value.children
        ]
        return Q, value.connector, value.negated, tuple(children)
    if kind is F:
        return F, value.name
    if isinstance(value, Field):
        return kind, repr(value.deconstruct()[2:])
    return _scan_made(value, values)


def _scan_made(value: Any, values: list[Any]) -> Any:
    """An expression by what it was made of, or a queryset by what was asked of it."""
    made_of = getattr(value, "_constructor_args", None)
    if made_of is not None and hasattr(value, "resolve_expression"):
        args, kwargs = made_of
        return (
            type(value),
            tuple([scan(each, values) for each in args]),
            tuple([(name, scan(each, values)) for name, each in kwargs.items()]),
        )
    shape = getattr(value, "asked_shape", None)
    if shape is None:
        raise Unshaped
    values += value.asked_values
    return shape


def _unlike(members: Any) -> Any:
    """Members of a collection. Like ones are sent once, which stand-ins, all different, would not show."""
    try:
        if len(members) > 64 or len(set(members)) < len(members):
            raise Unshaped
    except TypeError as error:  # what has no hash
        raise Unshaped from error
    return members


def substitute(value: Any, given: Iterator[Any], *, is_value: bool = False) -> Any:
    """The same argument with the values that come from `given`, one for each that `scan` found."""
    kind = type(value)
    if kind is str:
        return next(given) if is_value else value
    if kind is UUID or kind is datetime or kind is date:
        return next(given)
    if kind in _CONSTANTS or isinstance(value, Enum):
        return value
    if kind in _COLLECTIONS:
        members = [substitute(each, given, is_value=is_value) for each in value]
        return tuple(members) if kind is tuple else members
    if isinstance(value, Model):
        other = copy.copy(value)
        other.pk = next(given)
        return other
    if isinstance(value, Q):
        children = [
            (child[0], substitute(child[1], given, is_value=True))
            if type(child) is tuple
            else substitute(child, given)
            for child in value.children
        ]
        return Q.create(children, value.connector, value.negated)
    if kind is F or isinstance(value, Field):
        return value
    if hasattr(value, "asked_shape"):
        return value.with_values(given)
    args, kwargs = value._constructor_args
    return kind(
        *[substitute(each, given) for each in args],
        **{name: substitute(each, given) for name, each in kwargs.items()},
    )


def stand_in(value: Any) -> Any:
    """Something of the same type that is met nowhere else, and that any change on the way to the SQL would show."""
    number = next(_number)
    if type(value) is UUID:
        return UUID(int=_draw.getrandbits(128))
    if type(value) is str:
        return f" \u00c4b%_\\'C {number} {_draw.getrandbits(64):x} "
    if type(value) is datetime:
        return datetime(9000, 1, 1, 1, 1, 1, 654321, tzinfo=UTC) + timedelta(seconds=number)
    return date(9000, 1, 1) + timedelta(days=number % 200_000)
