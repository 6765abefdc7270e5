"""What a charge says, at the processor, of where it belongs here: opaque ids and amounts, nothing else.

Read only where our own rows are gone (a restore from a back-up): then it is all that is left to rebuild them from.

Form: base64url without padding over one byte for the version, attempt, billing account and contact (16 bytes each,
zeros for none), and for each line its id and its amount as a varint. Processors have room for 255 characters at
least; one that keeps only the beginning loses the last lines, and reading it stops before the first that is cut.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from paywell.payments.models import Attempt

_VERSION: Final = 1
_NONE: Final = bytes(16)
_HEAD: Final = 1 + 3 * 16


@dataclass(frozen=True, slots=True)
class Memo:
    """`lines`: invoice lines with the minor units that were meant for each."""

    attempt_id: UUID
    account_id: UUID
    contact_id: UUID | None
    lines: tuple[tuple[UUID, int], ...]


def write_memo(attempt: Attempt, lines: Sequence[tuple[UUID, int]]) -> str:
    """The same on every repeat, whatever order the lines come in."""
    parts = [bytes([_VERSION]), attempt.id.bytes, attempt.account_id.bytes]
    parts.append(attempt.contact_id.bytes if attempt.contact_id else _NONE)
    parts += [line_id.bytes + _varint(minor) for line_id, minor in sorted(lines)]
    return base64.urlsafe_b64encode(b"".join(parts)).decode().rstrip("=")


def read_memo(text: str) -> Memo | None:
    """None for what is no memo of ours: somebody else's charge, or an older one without."""
    whole = text[: len(text) - 1] if len(text) % 4 == 1 else text  # a cut text may end within a byte
    try:
        data = base64.b64decode(whole + "=" * (-len(whole) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(data) < _HEAD or data[0] != _VERSION:
        return None
    ids = [data[start : start + 16] for start in (1, 17, 33)]
    contact = UUID(bytes=ids[2]) if ids[2] != _NONE else None
    return Memo(UUID(bytes=ids[0]), UUID(bytes=ids[1]), contact, tuple(_read_lines(data[_HEAD:])))


def _read_lines(data: bytes) -> Iterator[tuple[UUID, int]]:
    at = 0
    while at + 16 < len(data):
        line_id, minor, shift = UUID(bytes=data[at : at + 16]), 0, 0
        at += 16
        while True:
            if at >= len(data) or shift > 56:
                return
            byte = data[at]
            minor |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if not byte & 0x80:
                break
        if minor <= 0:
            return
        yield line_id, minor


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
