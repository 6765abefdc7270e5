"""The shape of a law, of a question to the database, and of what offends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection

#: At most so many rows are named for one question; a thousand wrong rows have one reason.
NAMED_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows are looked at, and when: what every question is asked with."""

    now: datetime
    practice_id: UUID | None = None

    def mine(self, alias: str) -> str:
        """The condition that a row is in scope. One practice, or the whole installation."""
        return f"{alias}.practice_id = %(practice)s" if self.practice_id else "1 = 1"

    @staticmethod
    def text(column: str) -> str:
        """A UUID column as it is written inside a transfer's source, with dashes."""
        if connection.vendor == "postgresql":
            return f"CAST({column} AS text)"
        cuts = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
        return " || '-' || ".join(f"substr({column}, {start}, {length})" for start, length in cuts)

    @staticmethod
    def id(text: str) -> str:
        """A UUID that is written in text, with dashes, as a column has it: so that its index can be used."""
        if connection.vendor == "postgresql":
            return f"CAST({text} AS uuid)"
        return f"replace({text}, '-', '')"

    @staticmethod
    def day(column: str, days: int) -> str:
        """The date of a point in time, moved by some days."""
        if connection.vendor == "postgresql":
            return f"(date({column}) + ({days}))"
        return f"date({column}, '{days:+d} day')"

    def parameters(self) -> dict[str, Any]:
        adapt = connection.ops.adapt_datetimefield_value
        practice = self.practice_id
        if practice is not None and connection.vendor != "postgresql":
            practice = practice.hex  # type: ignore[assignment]
        return {
            "practice": practice,
            **{name: adapt(self.now - ago) for name, ago in LIMITS.items()},
        }


#: How old something may be, by the name under which a query asks for it. Written here on their own, so that a
#: wrong value there is found; each names the value of the product that it must stay above.
LIMITS: Final[dict[str, timedelta]] = {
    # payments.schedule.GIVE_UP_AFTER is 72 hours; the last look-ups come hourly.
    "gone_silent": timedelta(hours=72 + 2),
    # payments.schedule.STEP_VALID is 30 minutes and is in the deadline; the fence after it comes hourly at worst.
    "step_over": timedelta(hours=2),
    # payments.schedule.LEASE is 90 seconds; the reconciler comes every minute, and hourly after an hour.
    "overdue": timedelta(hours=2),
    # The outbox is emptied every 2 seconds and notices every minute.
    "queue": timedelta(minutes=15),
}


@dataclass(frozen=True, slots=True)
class Offence:
    """One row that breaks a law."""

    law: int
    what: str
    id: str
    practice_id: UUID | None  #: None where it concerns the whole installation
    is_queue: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"law": self.law, "what": self.what, "id": self.id}


Rows = Iterable[tuple[Any, Any]]  #: practice id, id of what offends


@dataclass(frozen=True, slots=True)
class Question:
    """One way to break a law: in words, and how to find whoever does.

    `sql` gives a statement whose rows are the offenders: practice id and id. `ask` does the same by a program.
    """

    what: str
    sql: Callable[[Scope], str] | None = None
    ask: Callable[[Scope], Rows] | None = None
    #: Rows of a queue that stands still have one reason: one review a day for all of them.
    is_queue: bool = False


@dataclass(frozen=True, slots=True)
class Law:
    number: int
    title: str
    questions: tuple[Question, ...]


def find(law: Law, question: Question, scope: Scope) -> list[Offence]:
    """Everything that breaks the law in this one way. One query."""
    if question.ask is not None:
        rows: Rows = question.ask(scope)
    elif question.sql is not None:
        with connection.cursor() as cursor:
            cursor.execute(f"{question.sql(scope)} LIMIT {NAMED_MAX}", scope.parameters())
            rows = cursor.fetchall()
    else:
        rows = ()
    return [
        Offence(law.number, question.what, readable(found), as_uuid(practice), question.is_queue)
        for practice, found in rows
    ]


def as_uuid(value: Any) -> UUID | None:
    return value if value is None or isinstance(value, UUID) else UUID(str(value))


def readable(value: Any) -> str:
    """An id as everything else shows it; SQLite keeps them without dashes."""
    try:
        return str(UUID(str(value)))
    except ValueError:
        return str(value)
