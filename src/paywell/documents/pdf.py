"""Documents as tagged PDF: PDF/UA-1 and PDF/A-2a in one file, made by Typst from the printed form.

The compiler and fonts are made once in each process. What Typst remembers is bounded: 2,000 statements took 1 MB
more than 50. A compiler is renewed after `_RENEW_AFTER` documents all the same.

A document's data go in as the text of the main file. As `sys_inputs` they would change what Typst calls its
library, on which all depends: it would lay out anew what it remembers (see docs/performance.md).
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any

import typst

from paywell.core import clock
from paywell.documents.letters import FAMILY, font_folders, for_font, has_long_run, is_of_family, texts_of
from paywell.documents.present import Printed, note_missing_letters, present
from paywell.documents.types import Document, Kind

TEMPLATES = Path(__file__).parent / "typst"
STANDARDS: list[typst.PDFStandard] = ["ua-1", "a-2a"]
_RENEW_AFTER = 1_000
#: Kinds that are laid out like another one.
_LAID_OUT_LIKE = {Kind.REFUND: Kind.RECEIPT, Kind.YEARLY: Kind.RECEIPT}

#: A process serves this many logos before the one used longest ago is given up.
_MOST_COMPILERS = 24
#: Where the logos lie, once there are any: a process that prints none leaves no folder behind when it is killed.
_folders: list[tempfile.TemporaryDirectory[str]] = []
_making_folders = threading.Lock()
_log = logging.getLogger("paywell.documents")

#: A Typst compiler is not made for two threads at once; each thread has its own, and they share the fonts.
_local = threading.local()
_fonts = typst.Fonts(
    include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(each) for each in font_folders()]
)


def render(document: Document) -> bytes:
    """The document as PDF bytes. Raises typst.TypstError only where the template itself is wrong."""
    form, logo = present(document), document.letterhead.logo
    data = _dump(form)
    if is_plain := _prints_as_it_is(data):
        text = data
    else:
        form = note_missing_letters(form, on_paper=True)
        text = _dump(make_printable(form))
    try:
        return _compile(document.kind, text, logo)
    except typst.TypstError:
        if is_plain and not logo:
            raise
        _log.warning("a logo or an added font could not be drawn; the document is printed without it")
        return _compile(document.kind, _dump({**make_printable(form, family_only=True), "logo": ""}), b"")


def make_printable(form: Printed, *, family_only: bool = False) -> Printed:
    """The form with nothing in it that PDF/UA forbids (`letters.for_font`), and with the fonts that it needs."""
    printed: Printed = _printable(form, family_only=family_only)
    if all(map(is_of_family, texts_of(printed))):
        return printed
    return {**printed, "fonts": [FAMILY, *(name for name in _fonts.families() if name != FAMILY)]}


def _dump(form: Printed) -> str:
    return json.dumps(form, ensure_ascii=False)


def _prints_as_it_is(data: str) -> bool:
    """Whether no text of a form, given as JSON, needs `make_printable`: the usual case, told in one look.

    A backslash is JSON's word for what is no letter, or for a quotation mark: then each text is looked at.
    """
    return "\\" not in data and is_of_family(data) and not has_long_run(data)


def _compile(kind: Kind, data: str, logo: bytes) -> bytes:
    pdf = _compiler(logo).compile(
        main_file(kind, data),
        format="pdf",
        pdf_standards=STANDARDS,
        timestamp=clock.now().replace(microsecond=0),
    )
    if not isinstance(pdf, bytes):
        raise TypeError("Typst gave no single PDF file.")
    return pdf


def main_file(kind: Kind, data: str) -> bytes:
    """A few lines of Typst that have the kind's template print `data`, a form as JSON, as one literal string."""
    literal = data.replace("\\", r"\\").replace('"', r"\"")
    template = _LAID_OUT_LIKE.get(kind, kind)
    return f'#import "{template}.typ": document\n#document(json(bytes("{literal}")))\n'.encode()


def _compiler(logo: bytes) -> typst.Compiler:
    folder = _folder(logo) if logo else TEMPLATES
    made: dict[Path, tuple[typst.Compiler, int]] = _local.__dict__.setdefault("made", {})
    compiler, used = made.pop(folder, (None, 0))
    if compiler is None or used >= _RENEW_AFTER:
        compiler = typst.Compiler(root=str(folder), font_paths=_fonts)
        used = 0
    made[folder] = (compiler, used + 1)
    if len(made) > _MOST_COMPILERS:
        del made[next(iter(made))]
    return compiler


def _folder(logo: bytes) -> Path:
    """The templates with this picture among them: Typst reads nothing outside the folder that it is given."""
    with _making_folders:
        if not _folders:
            _folders.append(tempfile.TemporaryDirectory(prefix="paywell-documents-"))
        folder = Path(_folders[0].name) / hashlib.sha256(logo).hexdigest()
        if not (folder / "ready").exists():
            folder.mkdir(exist_ok=True)
            for template in TEMPLATES.glob("*.typ"):
                shutil.copy(template, folder)
            (folder / "logo.png").write_bytes(logo)
            (folder / "ready").touch()
    return folder


def remove_folders() -> None:
    """For a process that ends without its usual end."""
    with _making_folders:
        while _folders:
            _folders.pop().cleanup()


def _printable(value: Any, *, family_only: bool = False) -> Any:
    if isinstance(value, str):
        return for_font(value, family_only=family_only)
    if isinstance(value, dict):
        return {key: _printable(part, family_only=family_only) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(part, family_only=family_only) for part in value]
    return value
