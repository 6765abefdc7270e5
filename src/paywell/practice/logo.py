"""The practice's logo: a PNG, taken apart and put together again with nothing in it but the picture."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from paywell.audit.actions import record
from paywell.core.db import lock, phase
from paywell.core.errors import UserError
from paywell.practice.models import LogoPicture, Practice

MAX_BYTES: Final = 200_000
MAX_SIDE: Final = 2_000
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
#: What makes the picture. Everything else (texts, profiles, times, private chunks) is left out.
_KEPT: Final = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


def set_logo(*, practice: Practice, png: bytes | None, actor_id: UUID | None) -> Practice:
    """Show this logo, or none. Raises UserError `logo_invalid` or `logo_too_large`; then the old one stays."""
    clean = clean_png(png) if png is not None else None
    with phase():
        row = lock(Practice.objects.filter(pk=practice.pk)).get()
        row.logo = clean
        row.logo_digest = hashlib.sha256(clean).hexdigest()[:16] if clean else ""
        row.save(update_fields=["logo", "logo_digest"])
        if clean:
            LogoPicture.objects.get_or_create(practice=row, digest=row.logo_digest, defaults={"png": clean})
        record(
            practice_id=row.id, actor_id=actor_id, action="practice.set_logo",
            target_kind="practice", target_id=row.id,
        )  # fmt: skip
    return row


def get_picture(practice_id: UUID, digest: str) -> bytes:
    """The logo that has this digest, also when the practice has another one by now; empty where there is none."""
    if not digest:
        return b""
    row = LogoPicture.objects.filter(practice_id=practice_id, digest=digest).only("png").first()
    return bytes(row.png) if row else b""


def clean_png(data: bytes) -> bytes:
    """The same picture with its necessary chunks alone. Refuses what is no whole, sound PNG."""
    if len(data) > MAX_BYTES:
        raise UserError("Choose a picture of at most 200 kB.", code="logo_too_large", field="logo")
    try:
        chunks = [(kind, body) for kind, body in _read_chunks(data) if kind in _KEPT]
        if [kind for kind, _ in chunks[:1]] != [b"IHDR"] or chunks[-1][0] != b"IEND":
            raise ValueError("out of order")
        width, height = struct.unpack(">II", chunks[0][1][:8])
        pixels = zlib.decompressobj().decompress(
            b"".join(body for kind, body in chunks if kind == b"IDAT"), MAX_SIDE * MAX_SIDE * 8 + MAX_SIDE
        )
    except (ValueError, struct.error, zlib.error, IndexError):
        raise UserError("Choose a PNG picture.", code="logo_invalid", field="logo") from None
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE) or not pixels:
        raise UserError("Choose a picture of at most 2,000 pixels a side.", code="logo_too_large", field="logo")
    return _SIGNATURE + b"".join(_write_chunk(kind, body) for kind, body in chunks)


def _read_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of each chunk. Raises ValueError for a wrong signature, length or checksum."""
    if not data.startswith(_SIGNATURE):
        raise ValueError("no PNG")
    at = len(_SIGNATURE)
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        if len(body) != length or zlib.crc32(kind + body) != checksum:
            raise ValueError("damaged")
        yield kind, body
        at += 12 + length


def _write_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
