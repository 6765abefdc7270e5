"""Letters: every script that a font is there for, names from right to left, and never a square in silence."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from paywell.documents import letters
from paywell.documents.letters import FONTS, NO_GLYPH, missing_letters, name_letters
from paywell.documents.pdf import render
from paywell.documents.present import present
from paywell.documents.tests.factories import HEAD, MAKERS, invoice_document, receipt_document
from paywell.documents.tests.test_pdf import assert_conforms, poppler, text_of
from paywell.documents.text import beside, clean
from paywell.documents.types import Document
from paywell.documents.web import page_response

#: A name in each script, and the font that prints it.
NAMES = {
    "Arabic": "عبد الله",
    "Armenian": "Արամ Խաչատրյան",
    "Bengali": "রবীন্দ্রনাথ",
    "Devanagari": "स्वाति शर्मा",
    "Ethiopic": "ሃና ተስፋዬ",
    "Georgian": "გიორგი",
    "Gujarati": "પ્રિયા",
    "Gurmukhi": "ਗੁਰਪ੍ਰੀਤ",
    "Hebrew": "שלום כהן",
    "Kannada": "ಕಾವ್ಯ",
    "Khmer": "សុភា",
    "Lao": "ສົມໃຈ",
    "Malayalam": "അനിൽ",
    "Myanmar": "အောင်",
    "Sinhala": "නිමල්",
    "Tamil": "கவிதா",
    "Telugu": "శ్రీనివాస్",
    "Thai": "สมชาย ใจดี",
}


@pytest.mark.parametrize("script", NAMES)
def test_a_name_in_a_script_with_a_font_is_printed_and_conforms(script: str) -> None:
    name = clean(NAMES[script])
    assert missing_letters(name) == []
    pdf = render(invoice_document(client=name, letterhead=replace(HEAD, name=name)))
    assert_conforms(pdf)
    assert f"NotoSans{script}-Regular" in poppler("pdffonts", "-", pdf=pdf)
    assert NO_GLYPH not in text_of(pdf)


def test_every_font_of_the_folder_prints_a_name_of_the_tests() -> None:
    assert {path.stem for path in (FONTS / "scripts").iterdir()} == {f"NotoSans{s}-Regular" for s in NAMES}


@pytest.mark.parametrize("kind", MAKERS)
def test_a_name_from_right_to_left_is_whole_on_every_kind(kind: str) -> None:
    pdf = render(MAKERS[kind](client=NAMES["Hebrew"], wording=NAMES["Arabic"]))
    assert_conforms(pdf)
    text = text_of(pdf)
    assert NAMES["Hebrew"] in text
    assert NO_GLYPH not in text


def test_what_stands_beside_a_name_from_right_to_left_keeps_its_place() -> None:
    """From left to right on paper: the second part of the client's name, the first, and then the clinician."""
    words = poppler("pdftotext", "-bbox", "-", "-", pdf=render(receipt_document(client=NAMES["Hebrew"])))
    # `-bbox` gives letters as they stand on paper.
    places = {
        re.sub(r"[^\w]", "", line.split(">")[1].split("<")[0])[::-1]: float(line.split('xMin="')[1].split('"')[0])
        for line in words.splitlines()
        if "<word" in line
    }
    assert places["כהן"] < places["שלום"] < places["Lucia"[::-1]]


def test_only_what_runs_from_right_to_left_is_marked() -> None:
    assert beside("Ana Łukasz 5") == "Ana Łukasz 5"
    assert beside("שלום") == "\u200eשלום\u200e"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("علی\u200cرضا", "علی\u200cرضا"),  # a Persian name has its joiner
        ("Ana\u200c Duarte\u200d", "Ana Duarte"),
        ("ש\u202eלום", "שלום"),
    ],
)
def test_joiners_stay_between_letters_that_join_and_nowhere_else(typed: str, kept: str) -> None:
    assert clean(typed) == kept
    assert_conforms(render(invoice_document(client=kept)))


# What no font has


def test_missing_letters_are_named_once_with_the_marks_on_them() -> None:
    assert missing_letters("Ana", "名前 名", "q\u0951") == ["名", "前", "q\u0951"]
    assert name_letters("名前") == "名, 前"
    assert name_letters("一二三四五六七八九") == "一, 二, 三, 四, 五, 六, 七, 八 …"


@pytest.mark.parametrize("kind", MAKERS)
def test_a_letter_without_a_font_is_said_in_the_pdf_and_named_on_the_page(kind: str, rf: RequestFactory) -> None:
    document = MAKERS[kind](client="名前", letterhead=replace(HEAD, name="前田 Therapy"))
    pdf = render(document)
    assert_conforms(pdf)
    assert "stands for a letter that no font of this document has" in " ".join(text_of(pdf).split())
    page = _page(rf, document)
    assert "prints □ instead: " in page
    assert "名" in page or kind == "superbill"


@pytest.mark.parametrize("kind", MAKERS)
def test_nothing_is_said_of_letters_where_all_are_there(kind: str, rf: RequestFactory) -> None:
    document = MAKERS[kind](client=NAMES["Thai"])
    assert "stands for a letter" not in text_of(render(document))
    assert "The PDF has no font" not in _page(rf, document)


def _page(rf: RequestFactory, document: Document) -> str:
    request = rf.get("/")
    request.user = AnonymousUser()
    return page_response(request, document).content.decode()


# Fonts that the installation adds


def test_an_added_font_prints_its_letters(
    settings: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(FONTS / "scripts" / "NotoSansThai-Regular.ttf", tmp_path)
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    (tmp_path / "readme.txt").write_text("no font either")
    monkeypatch.setattr(letters, "FONTS", tmp_path / "nowhere")
    monkeypatch.setattr(letters, "glyphs", lambda: frozenset(map(ord, "Ana ")))
    letters._other_fonts.cache_clear()
    try:
        assert missing_letters("Ana สมชาย") == list("สมชาย")
        letters._other_fonts.cache_clear()
        settings.FONT_FOLDERS = [str(tmp_path), str(tmp_path / "missing")]  # type: ignore[attr-defined]
        assert missing_letters("Ana สมชาย") == []
    finally:
        letters._other_fonts.cache_clear()


def test_a_collection_is_read_by_its_first_font(tmp_path: Path) -> None:
    single = (FONTS / "scripts" / "NotoSansThai-Regular.ttf").read_bytes()
    head = b"ttcf\x00\x01\x00\x00" + (1).to_bytes(4, "big") + (16).to_bytes(4, "big")
    count = int.from_bytes(single[4:6], "big")
    table = bytearray(single[12 : 12 + 16 * count])
    for at in range(0, len(table), 16):
        table[at + 8 : at + 12] = (int.from_bytes(table[at + 8 : at + 12], "big") + 16).to_bytes(4, "big")
    path = tmp_path / "one.ttc"
    path.write_bytes(head + single[:12] + bytes(table) + single[12 + 16 * count :])
    assert set(letters._characters(path)) == set(
        letters._characters(FONTS / "scripts" / "NotoSansThai-Regular.ttf")
    )


def test_a_font_that_can_not_be_drawn_costs_its_letters_and_not_the_document(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A cluster that no font draws after all: the same document with squares."""
    monkeypatch.setattr("paywell.documents.letters._other_fonts", lambda: (frozenset(map(ord, "名前")),))
    pdf = render(invoice_document(client="名前"))
    assert_conforms(pdf)
    assert NO_GLYPH * 2 in text_of(pdf)
    assert present(invoice_document())["notes"]
