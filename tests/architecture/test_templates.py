"""A comment in a template ends on its line: Django prints one that goes on as if it were words of the page."""

from __future__ import annotations

import re
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "paywell"


def test_no_comment_of_a_template_is_printed() -> None:
    pages = list(SOURCE.rglob("templates/**/*.html")) + list(SOURCE.rglob("templates/**/*.txt"))
    assert len(pages) > 100
    printed = [
        f"{page.relative_to(SOURCE)}:{number}"
        for page in pages
        for number, line in enumerate(page.read_text().splitlines(), 1)
        if "{#" in re.sub(r"\{#.*?#\}", "", line)
    ]
    assert printed == []
