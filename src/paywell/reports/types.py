"""What every report is made of: a span of days, bars, a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, overload
from uuid import UUID
from zoneinfo import ZoneInfo

from paywell.core.money import Money

Cell = str | int | date | Money | None


@dataclass(frozen=True, slots=True)
class Period:
    """Whole calendar days of the practice, both ends included."""

    first: date
    last: date
    zone: str  #: IANA name

    @property
    def start(self) -> datetime:
        return datetime.combine(self.first, time(), ZoneInfo(self.zone))

    @property
    def end(self) -> datetime:
        """The moment after the last day: not part of the period."""
        return datetime.combine(self.last + timedelta(days=1), time(), ZoneInfo(self.zone))


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, with what it stands for. `share` is its length in percent of the longest."""

    label: str
    amount: Money | int
    share: int


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    bars: tuple[Bar, ...]
    heads: tuple[str, str]  #: what the labels are, and what the bars count


@dataclass(frozen=True, slots=True)
class Column:
    label: str
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    cells: tuple[Cell, ...]
    client_id: UUID | None = None  #: whose record the first cell leads to
    deposit_id: UUID | None = None  #: or which deposit


#: Rows that are made together when all are asked for.
_CHUNK: Final = 500


class Rows(Sequence[Row]):
    """Rows in their order that are made when they are asked for: a page makes its own few, a file all.

    `keys` stand for the rows, one each; `make` gives the rows of some of them. Where a query has the order, the
    keys are `range(count)` and `make` gets the range of places that is asked for.
    """

    def __init__(self, keys: Sequence[Any], make: Callable[[Sequence[Any]], Sequence[Row]]) -> None:
        self.keys = keys
        self.make = make

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Row, ...]: ...
    def __getitem__(self, place: int | slice) -> Row | tuple[Row, ...]:
        if isinstance(place, slice):
            return tuple(self.make(self.keys[place]))
        place = range(len(self.keys))[place]
        return self.make(self.keys[place : place + 1])[0]

    def __iter__(self) -> Iterator[Row]:
        for start in range(0, len(self.keys), _CHUNK):
            yield from self.make(self.keys[start : start + _CHUNK])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Report:
    """Charts, and the rows that they sum up. `total` has a cell for each column; None where a sum says nothing."""

    columns: tuple[Column, ...]
    rows: Sequence[Row]
    total: tuple[Cell, ...] | None
    charts: tuple[Chart, ...]
    notes: tuple[str, ...] = ()  #: what the reader has to know besides the figures


def make_chart(title: str, heads: tuple[str, str], figures: Iterable[tuple[str, Money | int]]) -> Chart:
    """Bars in the order given; the longest fills the width, whatever is not zero can be seen."""
    pairs = list(figures)
    most = max((abs(_size(amount)) for _, amount in pairs), default=0)
    return Chart(title, tuple(Bar(label, amount, _share(_size(amount), most)) for label, amount in pairs), heads)


def sum_columns(rows: Sequence[Row], label: str, currency: str) -> tuple[Cell, ...] | None:
    """The foot of a table whose first column is words and whose other columns are money or words."""
    if not rows:
        return None
    foot: list[Cell] = [label]
    for place in range(1, len(rows[0].cells)):
        amounts = [cell for row in rows if isinstance(cell := row.cells[place], Money)]
        foot.append(sum(amounts, Money(0, currency)) if len(amounts) == len(rows) else None)
    return tuple(foot)


def _size(amount: Money | int) -> int:
    return amount.minor if isinstance(amount, Money) else amount


def _share(size: int, most: int) -> int:
    return 0 if size == 0 or most == 0 else max(1, round(abs(size) * 100 / most))
