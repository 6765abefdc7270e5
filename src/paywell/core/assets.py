"""The hashes of our own scripts, for the `integrity` of a page's script tags (Subresource Integrity)."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage

_ALGORITHM: Final = "sha384"


def integrity(path: str) -> str:
    """`sha384-...` of the static file as it is served. Raises FileNotFoundError for one that is not there."""
    source = _served(path)
    return _hash(source, source.stat().st_mtime_ns)


def _served(path: str) -> Path:
    """The collected file, whose name and content carry its version; where nothing is collected, the source."""
    stored_name = getattr(staticfiles_storage, "stored_name", None)
    if stored_name is not None:
        return Path(settings.STATIC_ROOT) / stored_name(path)
    found = finders.find(path)
    if not found:
        raise FileNotFoundError(path)
    return Path(str(found))


@lru_cache(maxsize=256)
def _hash(source: Path, changed_at: int) -> str:
    digest = hashlib.new(_ALGORITHM, source.read_bytes()).digest()
    return f"{_ALGORITHM}-{base64.b64encode(digest).decode()}"
