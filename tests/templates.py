"""Compiles every template and refuses what the Content-Security-Policy would: inline handlers and styles."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import django

SOURCE = Path(__file__).resolve().parents[1] / "src" / "paywell"
FORBIDDEN = {
    "an inline event handler": re.compile(r"""\son[a-z]+\s*=\s*["']"""),
    "an inline style": re.compile(r"""\sstyle\s*=\s*["']"""),
    "a javascript: address": re.compile(r"""["']\s*javascript:""", re.I),
    "an inline script or style without the nonce": re.compile(
        r"<(?:script|style)(?![^>]*(?:\bsrc=|nonce=|application/json))[^>]*>", re.I
    ),
    "a third party's address": re.compile(r"""(?:src|href)=["'](?:https?:)?//""", re.I),
}


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paywell.config.settings.test")
    django.setup()
    from django.template import TemplateSyntaxError
    from django.template.loader import get_template

    faults = []
    files = sorted(SOURCE.glob("*/templates/**/*.*"))
    for file in files:
        text = file.read_text()
        name = str(file).split("/templates/", 1)[1]
        try:
            get_template(name)
        except TemplateSyntaxError as error:
            faults.append(f"{file}: {error}")
        if file.suffix != ".html":
            continue
        for number, line in enumerate(text.splitlines(), 1):
            faults += [f"{file}:{number}: {what}" for what, rule in FORBIDDEN.items() if rule.search(line)]
    for fault in faults:
        print(fault)
    print(f"{len(files)} templates, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
