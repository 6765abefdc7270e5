"""Texts that begin with something, asked so that an index answers on both databases."""

from __future__ import annotations

from typing import Any, Final

from django.db import connection
from django.db.models import F, Q
from django.db.models.lookups import BuiltinLookup

#: Comes after every letter that a text may go on with.
_LAST: Final = "\U0010ffff"


class _AtLeast(BuiltinLookup[Any]):
    """In PostgreSQL's order by bytes, which an index of a pattern class has.

    Unlike LIKE it is leakproof: only so may the index answer behind the wall between practices (row security).
    """

    lookup_name = "at_least_by_bytes"

    def get_rhs_op(self, connection: Any, rhs: str) -> str:
        return f"~>=~ {rhs}"


class _Below(BuiltinLookup[Any]):
    """The same for what comes before."""

    lookup_name = "below_by_bytes"

    def get_rhs_op(self, connection: Any, rhs: str) -> str:
        return f"~<~ {rhs}"


def begins(field: str, text: str) -> Q:
    """`field` begins with exactly `text`: a range, from the text to the last that begins with it."""
    end = f"{text}{_LAST}"
    if connection.vendor == "postgresql":
        return Q(_AtLeast(F(field), text), _Below(F(field), end))
    return Q(**{f"{field}__gte": text, f"{field}__lt": end})
