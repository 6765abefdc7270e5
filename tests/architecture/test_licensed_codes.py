"""No code, wording or modifier text of the licensed procedure code set stands in the project.

Its owner allows no use without a license, not even of a few codes in an example. So codes in fixtures, documents
and the demonstration (from which the pictures are taken) are made up, or of a set that is free (docs/codes.md).
What is looked for is built here out of parts, so that this file holds none of it either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.test_rooms import ROOT, tracked

TEXT = {
    ".py", ".html", ".md", ".csv", ".json", ".typ", ".js", ".css", ".txt", ".toml", ".svg", ".yml", ".yaml", ".xml",
    ".in", ".sh", ".cfg", "",
}  # fmt: skip
#: Words of the trade. A number of five digits within `NEAR` characters of one of them is taken for a code.
TRADE = re.compile(
    r"psycho(?:therap|log)|psychiatric|diagnostic eval|office visit|outpatient visit|biofeedback|crisis|"
    r"neurobehav|neuropsych|family therapy|group therapy|health behavior|telephone assess|\bcpt\b",
    re.IGNORECASE,
)
NEAR = 60
#: Ranges that a therapy practice uses: these never stand alone either.
ALONE = re.compile(r"(?<![\d.#-])(?:90(?:79|8[345]|86|87|88)\d|99[24]\d{2}|961[0-9]{2}|9883\d|9896\d)(?![\d.-])")
#: Any code of the set: five digits, or four and a letter; no ZIP code, no part of a longer number, no amount.
CODE = re.compile(r"(?<![\w.,:#$/-])(?<![^A-Z][A-Z]{2} )(?:[0-9]{5}|[0-9]{4}[FTU])(?![\w.-])")
#: A two-digit modifier of the set, named as one, with words of what it means.
_NUMBERS = r"(?:2[2-9]|3[23]|47|5[0-9]|6[236]|7[6-9]|8[0-2]|9[0-9])"
MODIFIER = re.compile(
    rf"modifiers?[\s:=(\"']{{1,4}}{_NUMBERS}[\s:=,()\"'-]{{1,4}}(?!and\b|or\b|with\b|to\b)[a-z]{{4,}}"
    rf"|modifiers?[\"']?\s?[:=]\s?[\"'(\[]{{1,2}}{_NUMBERS}[\"' ,]"
    rf"|(?<![\d.$]){_NUMBERS}[\"']?\s?(?::|=|-|\()\s?[\"']?"
    r"(?:synchronous|audio.only|telemed|telehealth|separate|distinct|significant|real.time)",
    re.IGNORECASE,
)


def find_licensed(text: str) -> Iterator[str]:
    """Everything in a text that looks as if it were of the licensed set."""
    for line in text.splitlines():
        yield from (match[0] for match in ALONE.finditer(line))
        yield from (match[0] for match in MODIFIER.finditer(line))
        words = [match.span() for match in TRADE.finditer(line)]
        for code in CODE.finditer(line) if words else ():
            if any(code.start() - NEAR < end and start < code.end() + NEAR for start, end in words):
                yield code[0]


def texts() -> Iterator[tuple[Path, str]]:
    locked = {ROOT / "requirements" / "runtime.txt", ROOT / "requirements" / "dev.txt"}
    for path in tracked():
        if path.suffix in TEXT and path not in locked:
            yield path.relative_to(ROOT), path.read_text(errors="replace")


def test_nothing_of_the_licensed_set_stands_in_the_project() -> None:
    found = [f"{path}: {match}" for path, text in texts() for match in find_licensed(text)]
    assert found == []


def test_the_search_reads_the_fixtures_the_documents_and_what_the_pictures_are_made_of() -> None:
    read = {str(path) for path, _ in texts()}
    assert {"README.md", "docs/codes.md", "src/paywell/desk/tests/factories.py"} <= read
    assert any(path.startswith("src/paywell/demo/") for path in read)
    assert any("/golden/" in path for path in read)
    assert any(path.endswith(".typ") for path in read)
    assert len(read) > 300


_THERAPY = "psycho" + "therapy"


@pytest.mark.parametrize(
    "text",
    [
        "90" + "837",
        "code=" + '"' + "99" + "213" + '"',
        "96" + "130",
        "98" + "968",
        "1" * 5 + " " + _THERAPY + ", 45 minutes",
        f"{_THERAPY.title()} for {'2' * 5}",
        "0" * 4 + "T" + " " + "neuro" + "psych test",
        "C" + "PT " + "3" * 5,
        "modifier " + "9" + "5" + ": video visit",
        '"' + "9" + "3" + '": "' + "audio" + ' only"',
        'modifiers="' + "9" + "5" + '"',
        "2" + "5 - " + "significant and separate",
        '"' + "5" + '9": "' + "distinct" + ' service"',
    ],
)
def test_the_search_finds_codes_wordings_and_modifiers_with_their_text(text: str) -> None:
    assert list(find_licensed(text))


@pytest.mark.parametrize(
    "text",
    [
        "IND50 Individual session, 50 minutes",
        "H0004 Behavioral health counseling",
        "F41.1 Generalized anxiety disorder",
        "Willow Creek Psychotherapy, Denver, CO 80202",
        "fee_minor=12_000, wording='psychotherapy'",
        "14000 minor units",
        "modifiers HO and HP",
        "place of service 10: by video, client at home",
        "$1,204.00 for psychotherapy",
    ],
)
def test_the_search_leaves_what_is_free_or_made_up(text: str) -> None:
    assert list(find_licensed(text)) == []
