"""Fills the demonstration: two practices with months behind them, told day by day through the real actions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

from django.db import connection

from paywell.core import clock
from paywell.demo import code_list, money, processor, story, told
from paywell.demo.cast import PASSWORD, PracticePart, email_of
from paywell.demo.harbor_light import HARBOR_LIGHT
from paywell.demo.people import make_troupe
from paywell.demo.willow_creek import WILLOW_CREEK
from paywell.payments.models import ProcessorAccount
from paywell.practice.models import Practice
from paywell.processors.registry import CONNECTORS

CAST: tuple[PracticePart, ...] = (WILLOW_CREEK, HARBOR_LIGHT)
WEEKS = 26


def seed(*, processor_url: str, address: str) -> bool:
    """Make both practices, unless they are there. Gives whether anything was made.

    `processor_url` is where the test processor serves, `address` where the portal will: both are told of each
    other on every run, since the demonstration's ports may change.
    """
    is_new = not Practice.objects.filter(slug__in=[part.slug for part in CAST]).exists()
    if is_new:
        now = clock.now()
        with _fast_writes():
            code_list.install(now.date())
            for part in CAST:
                _tell(part, now, processor_url)
    slugs = [part.slug for part in CAST]
    # Also those that take no new payments any more, since theirs are refunded; never a real processor's.
    ours = [name for name, each in CONNECTORS.items() if each.is_test]
    for account in ProcessorAccount.objects.filter(practice__slug__in=slugs, connector__in=ours):
        processor.move(account, processor_url, address)
    return is_new


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
        for one in part.people
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"address": address, "people": people}, indent=2) + "\n")


def _tell(part: PracticePart, now: datetime, processor_url: str) -> None:
    today: date = clock.business_date(now, str(part.fields["timezone"]))
    first = today - timedelta(weeks=WEEKS)
    opened_at = now - timedelta(weeks=WEEKS, hours=2)
    troupe = make_troupe(part, opened_at=opened_at)
    with clock.set_to(opened_at):
        earlier = processor.connect(troupe, processor_url)
    with clock.set_to(opened_at + timedelta(hours=1)):
        connected = processor.connect(troupe, processor_url)
    told.begin_notices(troupe, opened_at)
    story.play(
        [
            *story.services(troupe, today),
            *story.invoices(troupe, today, first, now),
            *money.payments(troupe, connected, today, first),
        ]
    )
    processor.pay_out_past(connected, opened_at)
    # The story's notices rang when its payments were made, and its practice was set up long ago.
    ProcessorAccount.objects.filter(pk=connected.pk).update(noticed_at=now)
    Practice.objects.filter(pk=troupe.practice.pk).update(setup_closed_at=opened_at)
    told.leave_cards_behind(troupe, earlier)
    told.let_a_card_expire(troupe, today, "Ines Coral")
    told.tell_people(troupe, today, now)


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
