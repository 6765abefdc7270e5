"""A ZIP that is written while it is sent: never the whole of it in memory."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime


class _Sink:
    """Where the ZIP is written; what came since the last look is taken away and sent."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, part: bytes, /) -> int:
        self.parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is open."""

    def take(self) -> bytes:
        taken, self.parts = b"".join(self.parts), []
        return taken


def stream_zip(files: Iterable[tuple[str, datetime, bytes]]) -> Iterator[bytes]:
    """The ZIP of the files (name, time, content), piece by piece. PDFs are not packed again."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, at, content in files:
            entry = zipfile.ZipInfo(name, at.timetuple()[:6])
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, content)
            yield sink.take()
    yield sink.take()
