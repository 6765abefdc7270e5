"""Authorize.Net's official schema, read where it lies; nothing of it is part of this project."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from lxml import etree

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "specs"
WHERE = Path(os.environ.get("PAYWELL_SPECS") or _BESIDE) / "AnetApiSchema.xsd"
ABSENT = f"Authorize.Net's schema is not at {WHERE.parent.name}/{WHERE.name} beside the project."


@cache
def read_schema() -> etree.XMLSchema | None:
    """The schema; None where it is absent: then the requests are not judged."""
    return etree.XMLSchema(etree.parse(str(WHERE))) if WHERE.exists() else None
