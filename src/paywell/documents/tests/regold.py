"""Writes the golden texts and structures anew: `python -m paywell.documents.tests.regold`. Read the difference."""

from __future__ import annotations

import django

django.setup()

from paywell.documents.pdf import render  # noqa: E402
from paywell.documents.tests.factories import ALL_MAKERS  # noqa: E402
from paywell.documents.tests.test_pdf import GOLDEN, outline, text_of  # noqa: E402

for kind, make in ALL_MAKERS.items():
    pdf = render(make())
    (GOLDEN / f"{kind}.txt").write_text(text_of(pdf))
    (GOLDEN / f"{kind}.order.txt").write_text("\n".join(outline(pdf)) + "\n")
