"""Which letters the PDF can print: those of the fonts in the package, and of those that the installation adds.

Source Sans has Latin, Greek and Cyrillic; a Noto Sans for each of eighteen other scripts lies beside it. Chinese,
Japanese and Korean take tens of megabytes, so an installation that needs them names a folder of fonts
(`PAYWELL_FONTS`). What no font has prints as a square and is said in words: before issue, and on the document.
"""

from __future__ import annotations

import logging
import re
import struct
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings

FONTS: Final = Path(__file__).parent / "fonts"
#: The family in which documents are set; the others serve the letters that it lacks.
FAMILY: Final = "Source Sans 3"
#: Stands for a letter that no font has.
NO_GLYPH: Final = "\N{WHITE SQUARE}"
_SUFFIXES: Final = frozenset({".ttf", ".otf", ".ttc", ".otc"})
#: A run without a blank that is longer than this gets places where the line may break.
_LONGEST_RUN: Final = 36
_BREAK: Final = "\N{ZERO WIDTH SPACE}"
_LONG_RUN: Final = re.compile(f"[^ ]{{{_LONGEST_RUN + 1}}}")
#: They shape what stands around them and need no picture of their own.
_JOINERS: Final = frozenset("\u200c\u200d\u200e")
_log = logging.getLogger("paywell.documents")


def font_folders() -> list[Path]:
    """The package's folder and those of the installation."""
    return [FONTS, *(Path(folder) for folder in settings.FONT_FOLDERS if Path(folder).is_dir())]


def for_font(text: str, *, family_only: bool = False) -> str:
    """The text as the PDF can print it: letters without a glyph become a square, long runs may break.

    PDF/UA and PDF/A forbid a letter that no embedded font has. With `family_only` no other font may help.
    """
    if is_of_family(text):
        shown = text
    else:
        can_print = _is_in_family if family_only else _is_printed
        shown = "".join(cluster if can_print(cluster) else NO_GLYPH for cluster in _clusters(text))
    return " ".join(_breakable(word) for word in shown.split(" "))


def missing_letters(*texts: str) -> list[str]:
    """What of these texts no font has, each once, in their order."""
    return list(
        dict.fromkeys(
            cluster
            for text in texts
            if not is_of_family(text)
            for cluster in _clusters(text)
            if not _is_printed(cluster)
        )
    )


def texts_of(printed: Any) -> Iterator[str]:
    """Every text of a printed form."""
    if isinstance(printed, str):
        yield printed
    elif isinstance(printed, dict):
        for part in printed.values():
            yield from texts_of(part)
    elif isinstance(printed, list | tuple):
        for part in printed:
            yield from texts_of(part)


@cache
def glyphs() -> frozenset[int]:
    """The characters that both weights of the document's own family can print."""
    regular, bold = (frozenset(_characters(FONTS / f"SourceSans3-{w}.ttf")) for w in ("Regular", "SemiBold"))
    return regular & bold


def is_of_family(text: str) -> bool:
    """Whether the document's own family prints it all: the usual case, which needs no other font."""
    return _foreign().search(text) is None


@cache
def _foreign() -> re.Pattern[str]:
    """Finds what the document's own family can't print. A set would be asked for each letter of each document."""
    spans, codes = [], sorted(glyphs())
    for first, last in zip(
        [code for code in codes if code - 1 not in glyphs()],
        [code for code in codes if code + 1 not in glyphs()],
        strict=True,
    ):
        spans.append(f"\\U{first:08x}-\\U{last:08x}")
    return re.compile(f"[^{''.join(spans)}]")


def has_long_run(text: str) -> bool:
    """Whether something in the text is so long without a blank that `for_font` gives it places to break."""
    return _LONG_RUN.search(text) is not None


def _is_in_family(cluster: str) -> bool:
    return glyphs() >= {ord(char) for char in cluster if char not in _JOINERS}


def _is_printed(cluster: str) -> bool:
    needed = {ord(char) for char in cluster if char not in _JOINERS}
    return glyphs() >= needed or any(font >= needed for font in _other_fonts())


@cache
def _other_fonts() -> tuple[frozenset[int], ...]:
    """What each of the other fonts can print. A file that is no font is passed over."""
    found = []
    for folder in font_folders():
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() not in _SUFFIXES or path.parent == FONTS:
                continue
            try:
                found.append(frozenset(_characters(path)))
            except (OSError, struct.error, KeyError, IndexError):
                _log.warning("a font could not be read and is not used: %s", path.name)
    return tuple(found)


def _clusters(text: str) -> Iterator[str]:
    """Letters with the marks that stand on them."""
    start = 0
    for at, char in enumerate(text):
        if at > start and not (char in _JOINERS or unicodedata.category(char).startswith("M")):
            yield text[start:at]
            start = at
    if start < len(text):
        yield text[start:]


def _breakable(word: str) -> str:
    if len(word) <= _LONGEST_RUN:
        return word
    parts = (word[at : at + _LONGEST_RUN // 3] for at in range(0, len(word), _LONGEST_RUN // 3))
    return _BREAK.join(parts)


def _characters(font: Path) -> Iterator[int]:
    """The code points of a TrueType or OpenType font, or of the first one of a collection: its `cmap` table,
    format 12 (full Unicode) or 4."""
    data = font.read_bytes()
    begin = struct.unpack_from(">I", data, 12)[0] if data[:4] == b"ttcf" else 0
    count = struct.unpack_from(">H", data, begin + 4)[0]
    tables = {
        data[at : at + 4]: struct.unpack_from(">I", data, at + 8)[0]
        for at in range(begin + 12, begin + 12 + 16 * count, 16)
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


def name_letters(letters: Iterable[str]) -> str:
    """A few letters in a sentence: `名, 前`, with a sign for more."""
    found = list(letters)
    return ", ".join(found[:8]) + (" …" if len(found) > 8 else "")
