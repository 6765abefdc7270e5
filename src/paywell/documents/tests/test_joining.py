"""Many documents in one PDF: as readable for machines as each of them was."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import replace

import pytest
from pypdf import PdfReader, PdfWriter

from paywell.documents.joining import join
from paywell.documents.pdf import render
from paywell.documents.tests.factories import HEAD, invoice_document, statement_document
from paywell.documents.tests.test_look import png
from paywell.documents.tests.test_pdf import assert_conforms, outline

#: The second one is longer than a page.
SINGLE = [
    ("ST-0001", render(statement_document(3, client="Ana Duarte"))),
    ("ST-0002", render(statement_document(60, client="Ben Ortiz"))),
    ("INV-0003", render(invoice_document(2, client="Cleo Park"))),
]


def join_all(pdfs: Iterable[tuple[str, bytes]], title: str) -> bytes:
    """To the end without a pause."""
    steps = join(pdfs, title=title)
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            whole: bytes = ended.value
            return whole


@pytest.fixture(scope="module")
def joined() -> bytes:
    return join_all(SINGLE, "Statements <of> Oct & Nov")


def test_what_is_joined_is_pdf_ua_1_and_pdf_a_2a_as_before(joined: bytes) -> None:
    assert_conforms(joined)


def test_every_page_stands_in_its_order_with_its_own_number(joined: bytes) -> None:
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(joined)).pages]
    single = [page.extract_text() for _, pdf in SINGLE for page in PdfReader(io.BytesIO(pdf)).pages]
    assert pages == single
    assert len(pages) > 3
    assert "Page 1 of 1" in pages[0]
    assert "Page 2 of" in pages[2]


def test_each_one_is_found_by_its_bookmark(joined: bytes) -> None:
    reader = PdfReader(io.BytesIO(joined))
    marks = {mark["/Title"]: reader.get_destination_page_number(mark) for mark in reader.outline}  # type: ignore[arg-type, call-overload]
    pages = [len(PdfReader(io.BytesIO(pdf)).pages) for _, pdf in SINGLE]
    assert marks == {"ST-0001": 0, "ST-0002": pages[0], "INV-0003": pages[0] + pages[1]}


def test_the_reading_order_is_that_of_one_after_the_other(joined: bytes) -> None:
    whole = outline(joined)
    single = [line for _, pdf in SINGLE for line in outline(pdf)]
    texts = [re.findall(r'".*"', line) for line in whole]
    assert [each for each in texts if each] == [
        each for each in (re.findall(r'".*"', line) for line in single) if each
    ]
    assert sum(line.strip() == "Part" for line in whole) == 3
    assert sum(line.strip() == "Document" for line in whole) == 1


def test_header_cells_have_ids_of_their_own_and_are_named_by_them(joined: bytes) -> None:
    root = PdfReader(io.BytesIO(joined)).root_object["/StructTreeRoot"].get_object()
    names = [str(each) for each in root["/IDTree"]["/Names"][::2]]
    assert len(set(names)) == len(names) > 10
    assert names == sorted(names)
    assert {name.partition("-")[0] for name in names} == {
        "D1",
        "D2",
        f"D{1 + 1 + len(PdfReader(io.BytesIO(SINGLE[1][1])).pages)}",
    }
    for name, element in zip(names, root["/IDTree"]["/Names"][1::2], strict=True):
        assert element.get_object()["/ID"] == name


def test_the_whole_has_the_title_that_it_was_given(joined: bytes) -> None:
    metadata = PdfReader(io.BytesIO(joined)).xmp_metadata
    assert metadata is not None
    assert metadata.dc_title == {"x-default": "Statements <of> Oct & Nov"}


def test_texts_that_look_like_what_is_renumbered_stay_as_they_are() -> None:
    name = "Elm ((5 0 R /ID(x) /StructParents 0 /Headers[(y)]) \\\\ Care )("
    pdfs = [
        (name, render(invoice_document(1, client="Ana", letterhead=replace(HEAD, name=name, logo=png())))),
        ("INV-2", render(invoice_document(1, client="Ben", letterhead=replace(HEAD, name=name, logo=png())))),
    ]
    whole = join_all(pdfs, name)
    assert_conforms(whole)
    reader = PdfReader(io.BytesIO(whole))
    assert [mark["/Title"] for mark in reader.outline] == [name, "INV-2"]  # type: ignore[call-overload, index]
    said = [re.findall(rb"/Alt.*?/", pdf) for pdf in (whole, pdfs[0][1])]
    assert len(said[1]) == 1
    assert said[0] == said[1] * 2


def test_a_file_that_typst_did_not_write_is_refused_not_guessed() -> None:
    reader, out = PdfReader(io.BytesIO(SINGLE[0][1])), io.BytesIO()
    PdfWriter(clone_from=reader).write(out)
    with pytest.raises(ValueError, match="not written as Typst writes"):
        join_all([("Other", out.getvalue())], "Other")


def test_nothing_and_what_has_no_tags_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to join"):
        join_all([], "Nothing")
    untagged, out = PdfWriter(), io.BytesIO()
    untagged.add_blank_page(100, 100)
    untagged.write(out)
    with pytest.raises(ValueError, match="without tags"):
        join_all([SINGLE[0], ("Blank", out.getvalue())], "Mixed")
