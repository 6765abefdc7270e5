"""docs/document-rules.md names tests that are there."""

from __future__ import annotations

import re

from tests.architecture.test_fault_numbers import ROOT, every_test

DOCS = ROOT / "docs" / "document-rules.md"
_NAMED = re.compile(r"`(test_[a-z0-9_]+)`(?!\.py)")


def test_every_test_that_the_rules_name_is_there() -> None:
    named = set(_NAMED.findall(DOCS.read_text()))
    assert len(named) > 60
    assert sorted(named - {name for name, _ in every_test()}) == []


def test_every_rule_has_a_test() -> None:
    rows = [line for line in DOCS.read_text().splitlines() if line.startswith("| ") and "| Test |" not in line]
    assert len(rows) > 40
    assert [row for row in rows if not _NAMED.search(row)] == []
