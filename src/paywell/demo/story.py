"""What happened in the months before today: services as they took place, invoices twice a month."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from paywell.care.actions import record_service
from paywell.care.models import ServiceKind
from paywell.core import clock
from paywell.demo.cast import ClientPart, Visits
from paywell.demo.people import Troupe
from paywell.invoicing.actions import issue_batch

#: Recorded and not yet invoiced: what the desk's batch has to do on the first day.
UNINVOICED_DAYS = 3


@dataclass(frozen=True)
class Scene:
    """Something that happened at a moment. Services can share a transaction; the rest own theirs."""

    at: datetime
    act: Callable[[], object]
    is_service: bool = False


def play(scenes: Iterable[Scene]) -> None:
    """Let everything happen in its order, each at its own time."""
    ordered = sorted(scenes, key=lambda scene: scene.at)
    position = 0
    while position < len(ordered):
        if not ordered[position].is_service:
            _play_one(ordered[position])
            position += 1
            continue
        with transaction.atomic():
            while position < len(ordered) and ordered[position].is_service:
                _play_one(ordered[position])
                position += 1


def _play_one(scene: Scene) -> None:
    with clock.set_to(scene.at):
        scene.act()


def at(troupe: Troupe, day: date, hour: int, minute: int = 0) -> datetime:
    """A moment of a day where the practice is."""
    return datetime.combine(day, time(hour, minute), tzinfo=ZoneInfo(troupe.practice.timezone))


def services(troupe: Troupe, today: date) -> Iterator[Scene]:
    """Every regular service until yesterday, and the exceptions that a believable practice has."""
    for number, part in enumerate(troupe.part.clients):
        for order, visits in enumerate(part.visits):
            for day in _days(visits, today, offset=number + 3 * order):
                yield _service(troupe, part, visits, day)
    yield from _exceptions(troupe, today)


def invoices(troupe: Troupe, today: date, first: date, now: datetime) -> Iterator[Scene]:
    """A batch on the 1st and on the 16th for the days before, and a last one for what came since."""
    begin = first
    for cut in _cuts(first, today):
        yield _batch(troupe, begin, cut - timedelta(days=1), at(troupe, cut, 9))
        begin = cut
    last = today - timedelta(days=UNINVOICED_DAYS)
    if last >= begin:
        yield _batch(troupe, begin, last, min(at(troupe, last + timedelta(days=1), 9), now))


def _days(visits: Visits, today: date, *, offset: int) -> Iterator[date]:
    """The days of regular visits, oldest first: the same weekday each time, never on a weekend."""
    last = today - timedelta(days=1 + offset % 5)
    while last.weekday() > 4:
        last -= timedelta(days=1)
    for step in reversed(range(visits.weeks * 7 // visits.every)):
        yield last - timedelta(days=visits.every * step)


def _service(troupe: Troupe, part: ClientPart, visits: Visits, day: date) -> Scene:
    def act() -> None:
        record_service(
            practice=troupe.practice,
            client=troupe.clients[part.key],
            clinician=troupe.clinicians[part.clinician],
            catalog_item=troupe.items[visits.item],
            on=day,
            units=visits.units,
            insurer_minor=visits.insurer,
            modifiers=visits.modifiers,
            place_of_service=visits.place,
            diagnosis_ids=[diagnosis.id for diagnosis in troupe.diagnoses[part.key]],
            actor_id=troupe.users[part.clinician].id if part.clinician in troupe.users else troupe.biller.id,
        )

    return Scene(at(troupe, day, 18), act, is_service=True)


def _exceptions(troupe: Troupe, today: date) -> Iterator[Scene]:
    """A late cancellation, a missed appointment, a first visit, a letter."""
    wanted = {
        "willow-creek": [
            ("Owen Pike", "LATE", 24),
            ("Owen Pike", "MISS", 12),
            ("Ada Brook", "LTR", 9),
            ("Samir Dunn", "INT90", 130),
            ("Iris Moon", "INT90", 1),
        ],
        "harbor-light": [("Marcus Bell", "H0031", 115), ("Clara Wynn", "LATE", 40)],
    }
    for key, code, days_ago in wanted.get(troupe.part.slug, []):
        yield _one_off(troupe, key, code, today - timedelta(days=days_ago))


def _one_off(troupe: Troupe, key: str, code: str, day: date) -> Scene:
    part = next(part for part in troupe.part.clients if part.key == key)
    item = troupe.items[code]

    def act() -> None:
        fee_only = item.kind in (ServiceKind.NO_SHOW, ServiceKind.LATE_CANCEL)
        record_service(
            practice=troupe.practice,
            client=troupe.clients[key],
            clinician=troupe.clinicians[part.clinician],
            catalog_item=item,
            on=day,
            diagnosis_ids=[] if fee_only else [diagnosis.id for diagnosis in troupe.diagnoses[key]],
            actor_id=troupe.biller.id,
        )

    return Scene(at(troupe, day, 19), act, is_service=True)


def _cuts(first: date, today: date) -> list[date]:
    """Every 1st and 16th after `first` and before today, of which nine in the morning may be yet to come."""
    days = (first + timedelta(days=n) for n in range(1, (today - first).days))
    return [day for day in days if day.day in (1, 16)]


def _batch(troupe: Troupe, date_from: date, date_to: date, moment: datetime) -> Scene:
    def act() -> None:
        batch = issue_batch(
            practice=troupe.practice, date_from=date_from, date_to=date_to, actor_id=troupe.biller.id
        )
        if batch.problems:
            raise RuntimeError(f"The demo could not be invoiced: {batch.problems[0].message}")

    return Scene(moment, act)
