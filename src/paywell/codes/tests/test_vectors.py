"""Real releases, as far as test vectors of them lie beside the project: they are not ours to copy."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from paywell.codes.queries import check_codes
from paywell.codes.tests.factories import make_release
from paywell.codes.types import Finding
from paywell.core.identifiers import is_diagnosis_code, is_npi

VECTORS = Path(__file__).resolve().parents[5] / "shared" / "specs" / "icd10cm_vectors.json"
#: The vectors' name of a release, and its fiscal year.
YEARS = {"FY2021-Jan2021": 2021, "FY2025-Apr2025": 2025, "FY2026-Apr2026": 2026}


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    if not VECTORS.exists():
        pytest.skip(f"no test vectors at ../shared/specs/{VECTORS.name}")
    found: dict[str, Any] = json.loads(VECTORS.read_text())
    return found


def test_npis_of_the_vectors_are_judged_as_they_say(vectors: dict[str, Any]) -> None:
    assert {npi: is_npi(npi) for npi, _, _ in vectors["npi_vectors"]} == {
        npi: is_right for npi, is_right, _ in vectors["npi_vectors"]
    }


def test_every_code_of_the_vectors_has_the_form(vectors: dict[str, Any]) -> None:
    assert [row["code"] for row in vectors["rows"] if not is_diagnosis_code(row["code"])] == []


@pytest.mark.django_db
def test_each_code_is_judged_by_the_release_of_its_day(vectors: dict[str, Any]) -> None:
    for release, year in YEARS.items():
        rows = [
            (row["code"].replace(".", ""), int(row[release] == "leaf" and row["code"] != "T14.91"), "words")
            for row in vectors["rows"]
            if row.get(release, "absent") != "absent"
        ]
        make_release(year, rows)
    wrong = []
    for release, year in YEARS.items():
        verdicts = check_codes([row["code"] for row in vectors["rows"]], date(year, 5, 1))
        for row in vectors["rows"]:
            expected = {"leaf": Finding.VALID, "header": Finding.HEADING}.get(row.get(release), Finding.NOT_VALID)
            if row["code"] == "T14.91" and expected is Finding.VALID:
                expected = Finding.HEADING
            if verdicts[row["code"]].finding is not expected:
                wrong.append((release, row["code"], verdicts[row["code"]].finding))
    assert wrong == []


@pytest.mark.django_db
def test_the_packaged_list_has_as_many_billable_f_codes_as_the_vectors_say(vectors: dict[str, Any]) -> None:
    pytest.importorskip("simple_icd_10_cm")
    from paywell.codes.order_file import list_packaged

    source, lines = list_packaged()
    billable = {line.code: line.is_billable for line in lines}
    assert "April-2026" in source
    assert len(billable) > 90_000
    known = sum(1 for code, is_billable in billable.items() if code.startswith("F") and is_billable)
    assert known == vectors["f_codes_billable"]["FY2026-Apr2026"]
    assert (billable["T14.91"], billable["T14.91XA"], billable["Z59.86"]) == (False, True, False)
