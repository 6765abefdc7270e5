"""The eighty faults of the catalogue: each has a test that bears its number, or a line in the docs why not."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "reliability.md"
NUMBERS = {f"F{number:02}" for number in range(1, 81)}
#: A number in a test's name: `test_f07_...`, `test_f57_f58_...`.
_IN_NAME = re.compile(r"(?<=_)f(\d\d)(?=_)")
#: A line of the docs: "- F70: why there is none".
_IN_DOCS = re.compile(r"^- (F\d\d): \S.{20,}$", re.MULTILINE)


def every_test() -> Iterator[tuple[str, str]]:
    """Every test of the project with its file."""
    for folder in ("src/paywell", "tests"):
        for path in sorted((ROOT / folder).rglob("test_*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                    yield node.name, str(path.relative_to(ROOT))


def numbered() -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name, path in every_test():
        for number in _IN_NAME.findall(name):
            found[f"F{number}"].append(f"{path}::{name}")
    return found


def test_each_fault_has_a_test_of_its_number_or_a_reason_why_not() -> None:
    excused = set(_IN_DOCS.findall(DOCS.read_text()))
    missing = sorted(NUMBERS - numbered().keys() - excused)
    assert missing == []


def test_no_test_bears_a_number_that_no_fault_has() -> None:
    assert sorted(numbered().keys() - NUMBERS) == []


def test_no_excuse_stands_for_a_fault_that_has_a_test() -> None:
    excused = set(_IN_DOCS.findall(DOCS.read_text()))
    assert sorted(excused & numbered().keys()) == []
    assert excused <= NUMBERS


def test_the_search_finds_the_tests() -> None:
    found = numbered()
    assert len(found) > 60
    assert any("test_arena" in each for each in found["F27"])
