"""Text from people, made safe to print: no control characters, no reordering of what stands around it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

#: Between two letters of a script that joins its letters these say how; they mean nothing elsewhere.
_JOINERS: Final = "\u200c\u200d"
_JOINED: Final = "[\u0600-\u0dff\u1000-\u109f\u1780-\u17ff]"
_STRAY: Final = re.compile(f"(?<!{_JOINED})[{_JOINERS}]|[{_JOINERS}](?!{_JOINED})")
_MARK: Final = "\N{LEFT-TO-RIGHT MARK}"


def clean(text: str, limit: int = 300) -> str:
    """One line of text: controls, direction overrides and other invisible characters go, blanks are single.

    Direction overrides could make an amount or a name read as another; a document has no use for them.
    """
    if text.isascii() and text.isprintable() and len(text) <= limit:
        return text if "  " not in text and text.strip(" ") == text else " ".join(text.split())
    kept = (
        " " if unicodedata.category(char) in ("Zs", "Zl", "Zp", "Cc") else char
        for char in unicodedata.normalize("NFC", text)
        if unicodedata.category(char) not in ("Cf", "Cs", "Co", "Cn") or char in _JOINERS
    )
    line = _STRAY.sub("", " ".join("".join(kept).split()))
    return line if len(line) <= limit else line[: limit - 1].rstrip(f" {_JOINERS}") + "…"


def beside(text: str) -> str:
    """The text as one among others in a line: what is written from right to left (Hebrew, Arabic) keeps its own
    place, and what follows, digits above all, stands behind it."""
    if text.isascii() or not any(unicodedata.bidirectional(char) in ("R", "AL") for char in text):
        return text
    return f"{_MARK}{text}{_MARK}"
