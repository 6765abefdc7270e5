"""Templates of one row, rendered once and filled many times.

A row of a long list costs Django a quarter of a millisecond: forty small nodes, each of which looks things up,
translates and builds addresses that are the same in every row. A `Snippet` renders its template once with stand-ins
for what differs and remembers where they came to stand; a row is then made by putting its values there.

    _ROW = Snippet("portal/_pay_row.html")
    html = _ROW(values={"line_id": line.id, "on": "Nov 3, 2026"}, flags={"is_held": False})

The template is an ordinary one, with one rule: `values` (text, or a UUID for an address) are shown as they are, no
filter and no `{% if %}` looks at them. What decides between alternatives goes into `flags`; each combination of
flags, in each language, is rendered once. Values are escaped as in any template unless they are safe already.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from html import escape
from typing import Final
from uuid import UUID

from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from paywell.core.ids import new_id, new_key

Value = str | UUID

#: Combinations kept for each snippet; far more than any has, and a bound all the same.
_MOST: Final = 200


class Snippet:
    """The template `name`. Call it with the values and flags of one row."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kept: dict[Hashable, list[str]] = {}

    def __call__(self, values: Mapping[str, Value], flags: Mapping[str, Hashable]) -> SafeString:
        shape = (get_language(), *flags.items())
        pieces = self.kept.get(shape)
        if pieces is None:
            if len(self.kept) >= _MOST:
                self.kept.clear()
            pieces = self.kept[shape] = self._render(values, flags)
        # Text and names of values take turns.
        filled = pieces.copy()
        filled[1::2] = [_write(values[name]) for name in pieces[1::2]]
        return mark_safe("".join(filled))

    def _render(self, values: Mapping[str, Value], flags: Mapping[str, Hashable]) -> list[str]:
        stand_ins = {name: new_id() if isinstance(value, UUID) else new_key() for name, value in values.items()}
        html = get_template(self.name).render({**flags, **stand_ins})
        names = {str(stand_in): name for name, stand_in in stand_ins.items()}
        if not names:
            return [html]
        pieces = re.split("|".join(map(re.escape, names)).join("()"), html)
        return [names.get(piece, piece) for piece in pieces]


def _write(value: Value) -> str:
    """The value as it stands in HTML, escaped as Django does it."""
    if isinstance(value, UUID):
        return str(value)
    return value if isinstance(value, SafeString) else escape(value)
