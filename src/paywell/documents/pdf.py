"""Documents as tagged PDF: PDF/UA-1 and PDF/A-2a in one file, made by Typst from the printed form.

The compiler and the fonts are made once in each process. Typst's memory creeps with the number of documents,
so a compiler is renewed after `_RENEW_AFTER` of them.

Measured warm on two shared cores, every document different, median and p95 in ms: invoice 9.8 and 11.0,
superbill 12.1 and 12.9, receipt 8.4 and 9.3; the first one of a process about 30.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import typst

from paywell.core import clock
from paywell.documents.present import present
from paywell.documents.text import FONTS, for_font
from paywell.documents.types import Document, Kind

TEMPLATES = Path(__file__).parent / "typst"
STANDARDS: list[typst.PDFStandard] = ["ua-1", "a-2a"]
_RENEW_AFTER = 1_000
#: Kinds that are laid out like another one.
_LAID_OUT_LIKE = {Kind.REFUND: Kind.RECEIPT, Kind.YEARLY: Kind.RECEIPT}

#: A Typst compiler is not made for two threads at once; each thread has its own, and they share the fonts.
_local = threading.local()
_fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)])


def render(document: Document) -> bytes:
    """The document as PDF bytes. Raises typst.TypstError only where the template itself is wrong."""
    data = json.dumps(_printable(present(document)), ensure_ascii=False)
    pdf = _compiler(document.kind).compile(
        sys_inputs={"data": data},
        format="pdf",
        pdf_standards=STANDARDS,
        timestamp=clock.now().replace(microsecond=0),
    )
    if not isinstance(pdf, bytes):
        raise TypeError("Typst gave no single PDF file.")
    return pdf


def _compiler(kind: Kind) -> typst.Compiler:
    kind = _LAID_OUT_LIKE.get(kind, kind)
    made: dict[Kind, tuple[typst.Compiler, int]] = _local.__dict__.setdefault("made", {})
    compiler, used = made.get(kind, (None, 0))
    if compiler is None or used >= _RENEW_AFTER:
        compiler, used = typst.Compiler(str(TEMPLATES / f"{kind}.typ"), root=str(TEMPLATES), font_paths=_fonts), 0
    made[kind] = (compiler, used + 1)
    return compiler


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return for_font(value)
    if isinstance(value, dict):
        return {key: _printable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(part) for part in value]
    return value
