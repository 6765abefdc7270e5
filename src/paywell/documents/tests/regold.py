"""Writes the golden texts and structures anew: `python -m paywell.documents.tests.regold`. Read the difference."""

from __future__ import annotations

import subprocess

import django

django.setup()

from paywell.documents.pdf import render  # noqa: E402
from paywell.documents.tests.factories import MAKERS  # noqa: E402
from paywell.documents.tests.test_pdf import GOLDEN  # noqa: E402

for kind, make in MAKERS.items():
    pdf = render(make())
    for name, command in (
        (f"{kind}.txt", ["pdftotext", "-layout", "-", "-"]),
        (f"{kind}.struct.txt", ["pdfinfo", "-struct-text", "-"]),
    ):
        made = subprocess.run(command, input=pdf, capture_output=True, check=True).stdout
        (GOLDEN / name).write_bytes(made)
