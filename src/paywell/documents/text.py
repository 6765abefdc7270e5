"""Text from people, made safe to print: no control characters, no reordering of what stands around it."""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

FONTS = Path(__file__).parent / "fonts"
#: Stands for a letter that the document's font does not have.
NO_GLYPH = "\N{WHITE SQUARE}"
#: A run without a blank that is longer than this gets places where the line may break.
_LONGEST_RUN = 36
_BREAK = "\N{ZERO WIDTH SPACE}"


def clean(text: str, limit: int = 300) -> str:
    """One line of text: controls, direction overrides and other invisible characters go, blanks are single.

    Direction overrides could make an amount or a name read as another; a document has no use for them.
    """
    kept = (
        " " if unicodedata.category(char) in ("Zs", "Zl", "Zp", "Cc") else char
        for char in unicodedata.normalize("NFC", text)
        if unicodedata.category(char) not in ("Cf", "Cs", "Co", "Cn")
    )
    line = " ".join("".join(kept).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def for_font(text: str) -> str:
    """The text as the PDF can print it: letters without a glyph become a square, long runs may break.

    PDF/UA and PDF/A forbid a letter that the embedded font does not have.
    """
    shown = "".join(char if ord(char) in glyphs() else NO_GLYPH for char in text)
    return " ".join(_breakable(word) for word in shown.split(" "))


def _breakable(word: str) -> str:
    if len(word) <= _LONGEST_RUN:
        return word
    parts = (word[at : at + _LONGEST_RUN // 3] for at in range(0, len(word), _LONGEST_RUN // 3))
    return _BREAK.join(parts)


@cache
def glyphs() -> frozenset[int]:
    """The characters that both weights of the document's font can print."""
    regular, bold = (frozenset(_characters(FONTS / f"SourceSans3-{w}.ttf")) for w in ("Regular", "SemiBold"))
    return regular & bold


def _characters(font: Path) -> Iterator[int]:
    """The code points of a TrueType font: its `cmap` table, format 12 (OpenType, full Unicode) or 4."""
    data = font.read_bytes()
    tables = {
        data[at : at + 4]: struct.unpack_from(">I", data, at + 8)[0]
        for at in range(12, 12 + 16 * struct.unpack_from(">H", data, 4)[0], 16)
    }
    cmap = tables[b"cmap"]
    for index in range(struct.unpack_from(">H", data, cmap + 2)[0]):
        start = cmap + struct.unpack_from(">I", data, cmap + 4 + 8 * index + 4)[0]
        form = struct.unpack_from(">H", data, start)[0]
        if form == 12:
            for group in range(struct.unpack_from(">I", data, start + 12)[0]):
                first, last, glyph = struct.unpack_from(">III", data, start + 16 + 12 * group)
                yield from (code for code in range(first, last + 1) if glyph or code > first)
        elif form == 4:
            yield from _format_4(data, start)


def _format_4(data: bytes, start: int) -> Iterator[int]:
    count = struct.unpack_from(">H", data, start + 6)[0] // 2
    ends = struct.unpack_from(f">{count}H", data, start + 14)
    starts = struct.unpack_from(f">{count}H", data, start + 16 + 2 * count)
    for first, last in zip(starts, ends, strict=True):
        yield from range(first, min(last, 0xFFFE) + 1)
