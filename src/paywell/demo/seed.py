"""Fills the demonstration: two practices with months behind them, told day by day through the real actions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

from django.db import connection

from paywell.core import clock
from paywell.demo import story
from paywell.demo.cast import PASSWORD, PracticePart, email_of
from paywell.demo.harbor_light import HARBOR_LIGHT
from paywell.demo.people import Troupe, make_troupe
from paywell.demo.willow_creek import WILLOW_CREEK
from paywell.practice.models import Practice

CAST: tuple[PracticePart, ...] = (WILLOW_CREEK, HARBOR_LIGHT)
WEEKS = 26


def seed() -> bool:
    """Make both practices, unless they are there. Gives whether anything was made."""
    if Practice.objects.filter(slug__in=[part.slug for part in CAST]).exists():
        return False
    now = clock.now()
    with _fast_writes():
        for part in CAST:
            _tell(part, now)
    return True


def write_people(path: Path, address: str) -> None:
    """Write who can sign in, for people and for programs."""
    people = [
        {
            "role": one.role,
            "name": one.name,
            "email": email_of(one.name),
            "password": PASSWORD,
            "practice": part.name,
            "try": one.tries,
        }
        for part in CAST
        for one in (*part.payers, *part.staff)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"address": address, "people": people}, indent=2) + "\n")


def _tell(part: PracticePart, now: datetime) -> Troupe:
    today: date = clock.business_date(now, str(part.fields["timezone"]))
    first = today - timedelta(weeks=WEEKS)
    troupe = make_troupe(part, opened_at=now - timedelta(weeks=WEEKS, hours=2))
    story.play([*story.services(troupe, today), *story.invoices(troupe, today, first, now)])
    return troupe


@contextmanager
def _fast_writes() -> Iterator[None]:
    """SQLite without waiting for the disk: a demonstration that a power cut interrupts is simply made anew."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous = OFF")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous = FULL")
