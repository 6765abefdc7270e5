from __future__ import annotations

from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from paywell.audit.models import AuditEvent
from paywell.codes.models import CodeRelease, DiagnosisCode
from paywell.codes.order_file import Period, guess_period, read_order_file
from paywell.codes.queries import check_code, check_codes, get_release
from paywell.codes.tests.factories import ROWS, make_release, order_file
from paywell.codes.types import Finding, Level
from paywell.core.errors import UserError

DAY = date(2026, 6, 1)


@pytest.mark.parametrize(
    ("name", "period"),
    [
        ("icd10cm-order-2027.txt", Period("FY2027", date(2026, 10, 1), date(2027, 9, 30))),
        ("icd10cm_order_2021.txt", Period("FY2021", date(2020, 10, 1), date(2021, 9, 30))),
        ("icd10cm-order-April-2026.txt", Period("FY2026 April", date(2026, 4, 1), date(2026, 9, 30))),
        ("code-list-April-2026.txt", Period("FY2026 April", date(2026, 4, 1), date(2026, 9, 30))),
        ("codes.txt", None),
        ("icd10cm-order-202.txt", None),
    ],
)
def test_a_fiscal_year_begins_in_october_and_its_update_in_april(name: str, period: Period | None) -> None:
    assert guess_period(name) == period


def test_the_order_file_is_read_with_its_flag_and_its_dots() -> None:
    lines = read_order_file(order_file(ROWS))
    assert [(line.code, line.is_billable) for line in lines[:2]] == [("F41", False), ("F41.1", True)]
    assert lines[10].code == "T14.91XA"
    assert lines[1].description == "Generalized anxiety disorder"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"F411,Generalized anxiety disorder",
        order_file([("F411", 2, "Generalized anxiety disorder")]),
        order_file([("4F11", 1, "Generalized anxiety disorder")]),
        order_file([ROWS[1], ROWS[1]]),
        bytes(range(256)),
    ],
)
def test_what_is_no_order_file_is_refused_with_the_line(data: bytes) -> None:
    with pytest.raises(UserError, match="order file") as refused:
        read_order_file(data)
    assert refused.value.code == "order_file"


@pytest.mark.django_db
class TestValidity:
    def test_a_code_that_can_be_billed_is_valid(self) -> None:
        make_release()
        verdict = check_code("F41.1", DAY)
        assert (verdict.level, verdict.description) == (Level.OK, "Generalized anxiety disorder")

    def test_a_wrong_form_is_a_block_that_nobody_overrides(self) -> None:
        make_release()
        for code in ("F411", "f41.1", "41.1", "F41.12345", "F41.", "Ｆ41.1", ""):
            verdict = check_code(code, DAY)
            assert (verdict.finding, verdict.level) == (Finding.BAD_FORM, Level.BLOCK), code
            assert not verdict.may_be_overridden

    def test_a_day_that_no_installed_release_covers_is_a_warning(self) -> None:
        make_release(2026)
        for day in (date(2025, 9, 30), date(2026, 10, 1)):
            verdict = check_code("F41.1", day)
            assert (verdict.finding, verdict.level) == (Finding.NOT_COVERED, Level.WARN)
        assert "Oct 1, 2026" in verdict.words
        assert check_code("F41.1", date(2025, 10, 1)).level is Level.OK
        assert check_code("F41.1", date(2026, 9, 30)).level is Level.OK

    def test_a_heading_is_a_block_that_names_what_is_more_exact(self) -> None:
        make_release()
        verdict = check_code("F43.8", DAY)
        assert (verdict.finding, verdict.level, verdict.may_be_overridden) == (Finding.HEADING, Level.BLOCK, True)
        assert "F43.81, F43.89" in verdict.words

    def test_a_leaf_that_needs_a_seventh_character_is_a_heading(self) -> None:
        make_release()
        verdicts = check_codes(["T14.91", "T14.91XA"], DAY)
        assert verdicts["T14.91"].finding is Finding.HEADING
        assert "T14.91XA" in verdicts["T14.91"].words
        assert verdicts["T14.91XA"].finding is Finding.VALID

    def test_a_code_that_the_release_lacks_is_a_block_that_may_be_overridden(self) -> None:
        make_release()
        verdict = check_code("F32.A", DAY)
        assert (verdict.finding, verdict.level, verdict.may_be_overridden) == (Finding.NOT_VALID, Level.BLOCK, True)

    def test_an_excerpt_says_nothing_about_what_it_lacks(self) -> None:
        make_release(is_complete=False)
        assert check_code("F32.A", DAY).level is Level.WARN
        assert check_code("F41.1", DAY).level is Level.OK
        assert check_code("F43.8", DAY).level is Level.BLOCK

    def test_the_release_of_the_day_of_service_decides(self) -> None:
        make_release(2021, [("F438", 1, "Other reactions to severe stress")])
        make_release(2026)
        assert check_code("F43.8", date(2021, 1, 15)).finding is Finding.VALID
        assert check_code("F43.8", DAY).finding is Finding.HEADING
        assert check_code("F43.81", date(2021, 1, 15)).finding is Finding.NOT_VALID

    def test_the_april_update_holds_from_april_on(self) -> None:
        make_release(2026, [("Z5986", 1, "Financial insecurity")])
        make_release(
            2026, [("Z5986", 0, "Financial insecurity"), ("Z59861", 1, "Financial insecurity, once")], april=True
        )
        assert check_code("Z59.86", date(2026, 3, 31)).finding is Finding.VALID
        assert check_code("Z59.86", date(2026, 4, 1)).finding is Finding.HEADING
        assert getattr(get_release(date(2026, 4, 1)), "name", "") == "FY2026 April"


@pytest.mark.django_db
class TestCommand:
    def run(self, *arguments: str) -> str:
        out = StringIO()
        call_command("codes", *arguments, stdout=out)
        return out.getvalue()

    def write(self, folder: Path, name: str = "icd10cm-order-2026.txt", rows: Any = ROWS) -> str:
        (folder / name).write_bytes(order_file(rows))
        return str(folder / name)

    def test_a_file_is_installed_listed_and_removed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("paywell.codes.management.commands.codes.COMPLETE_LINES", 10)
        assert "FY2026: 13 codes for services from 2025-10-01 to 2026-09-30" in self.run(
            "import", self.write(tmp_path)
        )
        assert check_code("F41.1", DAY).level is Level.OK
        assert "FY2026" in self.run("list")
        self.run("remove", "FY2026")
        assert (CodeRelease.objects.count(), DiagnosisCode.objects.count()) == (0, 0)
        assert "by their form only" in self.run("list")
        told = AuditEvent.objects.order_by("seq").values_list("action", flat=True)
        assert list(told) == ["codes.install_release", "codes.remove_release"]

    def test_the_same_release_again_replaces_the_first(self, tmp_path: Path) -> None:
        self.run("import", self.write(tmp_path), "--partial")
        self.run("import", self.write(tmp_path, rows=ROWS[:3]), "--partial")
        assert CodeRelease.objects.get().codes == 3
        assert DiagnosisCode.objects.count() == 3

    def test_the_arguments_win_over_the_file_s_name(self, tmp_path: Path) -> None:
        file = self.write(tmp_path, "list.txt")
        with pytest.raises(CommandError, match="--from and --until"):
            self.run("import", file, "--partial")
        self.run(
            "import", file, "--partial", "--from", "2026-10-01", "--until", "2027-09-30", "--name", "FY2027 draft"
        )  # fmt: skip
        release = CodeRelease.objects.get()
        assert (release.name, release.valid_from, release.is_complete) == ("FY2027 draft", date(2026, 10, 1), False)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["import"], "Name the CDC's order file"),
            (["import", "nowhere.txt"], "can't be read"),
            (["import", "nowhere.txt", "--packaged"], "Name the CDC's order file"),
            (["remove", "FY1999"], "No release is called FY1999"),
        ],
    )
    def test_what_it_can_t_do_it_says(self, arguments: list[str], words: str) -> None:
        with pytest.raises(CommandError, match=words):
            self.run(*arguments)

    def test_addenda_and_excerpts_are_not_taken_for_a_whole_release(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="--partial"):
            self.run("import", self.write(tmp_path))
        assert not CodeRelease.objects.exists()
