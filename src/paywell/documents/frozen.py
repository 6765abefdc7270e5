"""Documents as JSON and back, and the digest that shows whether what was kept is what was issued."""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from paywell.documents.types import Document
from paywell.invoicing.frozen import get_digest

__all__ = ["VERSION", "dump", "get_digest", "load"]

#: Raised whenever a field changes its meaning; `load` refuses other versions. New fields need a default.
VERSION = 1

_KINDS: dict[str, type[Any]] = {each.kind: each for each in get_args(Document)}


def dump(document: Document) -> dict[str, Any]:
    """The document as JSON values: dates as ISO text, tuples as lists, with its kind and version.

    What is only read when a document is shown (`types.letterhead.live`) is left out.
    """
    return {"kind": document.kind.value, "version": VERSION, **_plain(document)}


def load(data: dict[str, Any]) -> Document:
    """The document that `dump` wrote. Raises ValueError for another version or an unknown kind."""
    if data.get("version") != VERSION or data.get("kind") not in _KINDS:
        raise ValueError(f"Not a document of version {VERSION}: {data.get('kind')} {data.get('version')}.")
    made: Document = _typed(_KINDS[data["kind"]], data)
    return made


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value) if not f.metadata.get("live")}
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value


@cache
def _hints(wanted: type[Any]) -> dict[str, Any]:
    return get_type_hints(wanted)


def _typed(wanted: Any, value: Any) -> Any:
    if isinstance(wanted, type) and is_dataclass(wanted):
        hints = _hints(wanted)
        return wanted(**{f.name: _typed(hints[f.name], value[f.name]) for f in fields(wanted) if f.name in value})
    if get_origin(wanted) is tuple:
        return tuple(_typed(get_args(wanted)[0], part) for part in value)
    if get_origin(wanted) in (Union, types.UnionType):
        inner = next(part for part in get_args(wanted) if part is not type(None))
        return None if value is None else _typed(inner, value)
    if isinstance(wanted, type) and issubclass(wanted, StrEnum):
        return wanted(value)
    return date.fromisoformat(value) if wanted is date else value
