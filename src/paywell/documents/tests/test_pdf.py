"""The PDFs: readable by machines and by people, whatever stands in the text."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import page
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paywell.documents import pdf
from paywell.documents.letters import NO_GLYPH, for_font, glyphs, is_of_family
from paywell.documents.pdf import _compile, _dump, _prints_as_it_is, make_printable, render
from paywell.documents.present import present
from paywell.documents.present.parts import Printed
from paywell.documents.tests.factories import ALL_MAKERS, MAKERS
from paywell.documents.text import clean
from paywell.documents.types import Kind

GOLDEN = Path(__file__).parent / "golden"
HOSTILE = [
    '#import "x.typ": * #panic("x") *bold* _it_ $x$ <label> @ref // no \\ `raw` [content] #{1+1}',
    "</td><script>alert(1)</script>&amp;\x00\x07\x1b[31m",
    "‮052$ diaP‬",
    "שלום عبد الله",
    "W" * 300,
    "😀 名前 ☃",
    "",
]


def poppler(tool: str, *arguments: str, pdf: bytes) -> str:
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} (poppler-utils) is not installed: the text of PDFs is NOT checked")
    run = subprocess.run([tool, *arguments], input=pdf, capture_output=True, check=True, timeout=20)
    return run.stdout.decode()


def text_of(pdf: bytes) -> str:
    return poppler("pdftotext", "-layout", "-", "-", pdf=pdf)


def assert_conforms(pdf: bytes) -> None:
    for profile in (page.ValidationProfile.PDF_UA_1, page.ValidationProfile.PDF_A_2A):
        failures = page.validate_pdf_bytes(pdf, profile=profile).failures
        # The validator takes a compressed stream whose last byte happens to be CR for one byte too long, since
        # CR and the LF before `endstream` look like one end of line. Its length is right: checked here instead.
        failures = [f for f in failures if f.rule_id != "PDFA2A-STREAM-LENGTH-001" or not lengths_are_right(pdf)]
        assert failures == [], profile


def lengths_are_right(pdf: bytes) -> bool:
    streams = re.finditer(rb"/Length (\d+)[^>]*>>\s*stream\r?\n", pdf)
    return all(pdf[s.end() + int(s[1]) :].startswith(b"\nendstream") for s in streams)


def test_what_is_tested_here_is_every_kind_of_document_with_a_golden_file_each() -> None:
    assert {MAKERS[kind]().kind for kind in MAKERS} == set(Kind)
    golden = {path.name for path in GOLDEN.iterdir()}
    assert golden == {f"{kind}{end}" for kind in ALL_MAKERS for end in (".txt", ".order.txt")}


@pytest.mark.parametrize("kind", ALL_MAKERS)
def test_every_kind_is_pdf_ua_1_and_pdf_a_2a_in_one_file(kind: str) -> None:
    assert_conforms(render(ALL_MAKERS[kind]()))


@pytest.mark.parametrize("kind", ALL_MAKERS)
def test_text_stands_as_in_the_golden_file(kind: str) -> None:
    text = text_of(render(ALL_MAKERS[kind]()))
    golden = GOLDEN / f"{kind}.txt"
    assert squeeze(text) == squeeze(golden.read_text())


@pytest.mark.parametrize("kind", ALL_MAKERS)
def test_structure_and_reading_order_stand_as_in_the_golden_file(kind: str) -> None:
    assert outline(render(ALL_MAKERS[kind]())) == (GOLDEN / f"{kind}.order.txt").read_text().splitlines()


def outline(pdf: bytes) -> list[str]:
    """Tags and texts in reading order, without attributes and depth, which differ between versions of poppler."""
    lines = (line.strip() for line in poppler("pdfinfo", "-struct-text", "-", pdf=pdf).splitlines())
    kept = (line for line in lines if line and not line.startswith("/"))
    return [line if line.startswith('"') else re.split(r"[ :]", line)[0] for line in kept]


def squeeze(text: str) -> list[str]:
    """Lines without their spacing and without the letters of a mark across the page, which differ between versions
    of poppler."""
    return [" ".join(line.split()) for line in text.splitlines() if len(line.strip()) > 1]


@pytest.mark.parametrize("kind", MAKERS)
def test_a_long_document_repeats_its_header_and_counts_its_pages(kind: str) -> None:
    pdf = render(MAKERS[kind](lines=70))
    assert_conforms(pdf)
    pages = text_of(pdf).rstrip("\f").split("\f")
    assert len(pages) >= 3
    for number, content in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in content
    assert all("Service" in p or "Description" in p for p in pages[:-1])


def test_each_page_of_a_superbill_says_whose_it_is() -> None:
    """An insurer takes the pages apart. A name too long for one line goes on in a second, and loses nothing."""
    for name, times in (("Ana Maria Duarte", 1), (" ".join(["Wolfeschlegelsteinhausen"] * 5), 5)):
        pdf = render(MAKERS["superbill"](lines=70, client=name))
        pages = text_of(pdf).rstrip("\f").split("\f")
        assert len(pages) >= 3
        for number, content in enumerate(pages, 1):
            foot = " ".join(squeeze(content)[-3:])
            assert foot.count(name.split()[0]) == times
            assert all(part in foot for part in ("03/09/1991", f"Page {number} of {len(pages)}"))


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("kind", MAKERS)
def test_hostile_text_neither_runs_nor_breaks(kind: str, text: str) -> None:
    pdf = render(MAKERS[kind](wording=clean(text), client=clean(text)))
    assert_conforms(pdf)


@pytest.mark.parametrize("typed", ['*bold* #panic("x") $x$ <b>', r'"\") #panic() "', r"\u{41} \n \u0042 \\"])
def test_markup_is_printed_as_it_was_typed(typed: str) -> None:
    assert clean(typed) in text_of(render(MAKERS["invoice"](wording=clean(typed))))


@given(st.text(max_size=80))
@settings(max_examples=40, deadline=None)
def test_any_text_at_all_gives_a_conforming_pdf(text: str) -> None:
    pdf = render(MAKERS["receipt"](wording=clean(text), client=clean(text)))
    assert page.validate_pdf_bytes(pdf, profile=page.ValidationProfile.PDF_UA_1).is_compliant


@given(st.text())
def test_clean_text_has_no_control_and_no_direction_override(text: str) -> None:
    cleaned = clean(text)
    assert not any(ord(char) < 32 or char in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200f" for char in cleaned)
    assert clean(cleaned) == cleaned


def test_a_letter_without_glyph_prints_as_a_square() -> None:
    assert for_font("名 Ana") == f"{NO_GLYPH} Ana"
    assert {ord(char) for char in "AZaz09ÁñüşŁ$€–…·"} <= glyphs()


@given(st.text())
def test_a_letter_is_of_the_family_where_its_font_has_it(text: str) -> None:
    assert is_of_family(text) == (glyphs() >= set(map(ord, text)))


@given(st.lists(st.text(max_size=60) | st.text('Ana "\\\\·\\u00a0\\n', max_size=60)))
def test_what_is_printed_as_it_is_needs_no_change(texts: list[str]) -> None:
    form = {"facts": [[text, "of"] for text in texts]}
    assert make_printable(form) == form or not _prints_as_it_is(_dump(form))


@pytest.mark.parametrize("kind", ALL_MAKERS)
def test_a_usual_document_is_printed_as_it_is(kind: str) -> None:
    form = present(ALL_MAKERS[kind]())
    assert _prints_as_it_is(_dump(form))
    assert make_printable(form) == form


def test_fonts_are_the_packages_own_and_embedded() -> None:
    rows = poppler("pdffonts", "-", pdf=render(MAKERS["superbill"]())).splitlines()[2:]
    assert rows
    assert all("SourceSans3" in row and " yes yes yes " in row for row in rows)


def test_reading_order_is_heading_then_facts_then_table() -> None:
    tags = poppler("pdfinfo", "-struct-text", "-", pdf=render(MAKERS["invoice"]()))
    places = [
        tags.index(f'"{word}') for word in ("Willow Creek", "Invoice", "INV-0142", "Individual", "Balance due")
    ]
    assert places == sorted(places)
    assert "H1" in tags
    assert "TH" in tags


def test_a_document_takes_little_time_once_warm() -> None:
    render(MAKERS["superbill"]())
    times = []
    for number in range(8):
        start = time.perf_counter()
        render(MAKERS["superbill"](number=f"SB-{number:08d}"))
        times.append(time.perf_counter() - start)
    # Some 7 ms on two cores; the bound only catches a compiler or fonts that are made anew each time.
    assert min(times) < 0.1, times


def test_memory_does_not_grow_with_the_number_of_documents() -> None:
    memory = Path("/proc/self/statm")
    if not memory.exists():
        pytest.skip("this system does not tell a process's memory: its growth is NOT checked")
    taken = []
    for number in range(150):
        name = f"Ana Duarte {number}"
        render(MAKERS["statement"](lines=6, number=f"ST-{number:05d}", client=name, wording=f"Session {number}"))
        if number in (29, 149):
            taken.append(int(memory.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6)
    assert taken[1] - taken[0] < 12, taken  # megabytes; 1 where it was measured


def test_a_folder_is_made_for_the_first_logo_alone_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tempfile.TemporaryDirectory[str]] = []
    monkeypatch.setattr(pdf, "_folders", made)
    pdf._compiler(b"")
    assert made == []
    folder = pdf._folder(b"a picture")
    assert folder.parent == Path(made[0].name)
    assert (folder / "logo.png").read_bytes() == b"a picture"
    pdf.remove_folders()
    assert not folder.parent.exists()


@pytest.mark.parametrize("kind", ALL_MAKERS)
def test_the_reading_order_has_what_a_reader_needs_in_its_order(kind: str) -> None:
    """Who sends it, what it is, its number; then the tables, each with a head; notes last."""
    lines = outline(render(ALL_MAKERS[kind]()))
    first = [next(at for at, line in enumerate(lines) if word in line) for word in ("Willow", "H1", "Number", "TH")]
    assert first == sorted(first)
    assert lines.count("H1") == 1
    assert lines.count("Table") >= 1
    assert not any(line.startswith('"') and "Page 1" in line for line in lines)  # an artifact, not read out


def test_what_stood_on_the_document_before_is_not_laid_out_anew() -> None:
    """A number in the style of all text (a title, a footer) would make Typst forget what it knows: sheet.typ."""
    numbered = [present(MAKERS["superbill"](6, number=f"SB-{number:08d}")) for number in range(10)]
    restyled = [{**printed, "region": f"A{chr(65 + at)}"} for at, printed in enumerate(numbered)]
    assert least_time(numbered) < 0.7 * least_time(restyled)


def least_time(forms: list[Printed]) -> float:
    """Processor time, which other work stretches less than the clock's."""
    times = []
    for form in forms:
        start = time.process_time()
        _compile(Kind.SUPERBILL, json.dumps(form), b"")
        times.append(time.process_time() - start)
    return min(times[2:])
