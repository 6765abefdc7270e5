from __future__ import annotations

import struct
import zlib

import pytest
from django.test import Client as Browser

from paywell.audit.models import AuditEvent
from paywell.core.errors import UserError
from paywell.practice.actions import create_practice
from paywell.practice.logo import MAX_BYTES, clean_png, set_logo
from paywell.practice.models import Practice


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*extra: bytes, width: int = 2, height: int = 1) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress((b"\0" + b"\x0f\x5e\x5c" * width) * height)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + b"".join(extra)
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def practice(db: None) -> Practice:
    return create_practice(name="Willow Creek Therapy", actor_id=None)


def test_a_logo_is_kept_without_anything_but_its_picture() -> None:
    hostile = chunk(b"tEXt", b"Comment\0<script>alert(1)</script>")
    assert clean_png(png(hostile)) == png()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "logo_invalid"),
        (b"<svg onload='x'/>", "logo_invalid"),
        (png()[:-1], "logo_invalid"),
        (png().replace(b"IDAT", b"IDAX"), "logo_invalid"),
        (png(width=3000, height=1), "logo_too_large"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * MAX_BYTES, "logo_too_large"),
    ],
)
def test_what_is_no_sound_png_is_refused_and_the_old_logo_stays(practice: Practice, data: bytes, code: str) -> None:
    set_logo(practice=practice, png=png(), actor_id=None)
    with pytest.raises(UserError) as refusal:
        set_logo(practice=practice, png=data, actor_id=None)
    assert refusal.value.code == code
    assert bytes(Practice.objects.get().logo) == png()


def test_a_logo_has_an_address_that_changes_with_it_and_says_no_more(practice: Practice) -> None:
    row = set_logo(practice=practice, png=png(), actor_id=None)
    response = Browser().get(f"/logo/{practice.id}/{row.logo_digest}.png")
    assert (response.status_code, response["Content-Type"], response.content) == (200, "image/png", png())
    assert response["X-Content-Type-Options"] == "nosniff"
    assert Browser().get(f"/logo/{practice.id}/0000000000000000.png").status_code == 404
    set_logo(practice=row, png=None, actor_id=None)
    assert Browser().get(f"/logo/{practice.id}/{row.logo_digest}.png").status_code == 404
    assert AuditEvent.objects.filter(action="practice.set_logo").count() == 2
