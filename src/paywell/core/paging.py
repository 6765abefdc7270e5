"""One page of a long list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

PAGE_SIZE = 25
#: Beyond it nobody turns pages; a filter finds things sooner, and an offset costs the database what it skips.
LAST_PAGE = 2_000

Row = TypeVar("Row")
Other = TypeVar("Other")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows of page `number` (from 1). Whether there are more is known without counting them."""

    rows: tuple[Row, ...]
    number: int
    has_next: bool

    @property
    def has_previous(self) -> bool:
        return self.number > 1

    def with_rows(self, rows: Iterable[Other]) -> Page[Other]:
        """The same place in the list, with rows made of these."""
        return Page(tuple(rows), self.number, self.has_next)


def page_bounds(number: int, size: int = PAGE_SIZE) -> slice:
    """Where page `number` lies in the list, with one row more that tells whether there is a next page."""
    start = (clamp_page(number) - 1) * size
    return slice(start, start + size + 1)


def cut_page(rows: Iterable[Row], number: int, size: int = PAGE_SIZE) -> Page[Row]:
    """The page out of the rows that `page_bounds` gave."""
    found = tuple(rows)
    return Page(found[:size], clamp_page(number), len(found) > size)


def clamp_page(number: int) -> int:
    return min(max(number, 1), LAST_PAGE)
