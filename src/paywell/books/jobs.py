"""Background jobs of the books."""

from __future__ import annotations

from django_tasks import task

from paywell.books.actions import record_check
from paywell.books.check import check_books


@task()
def check() -> None:
    """All laws over the database; the result is kept, and what is new goes before a person."""
    record_check(check_books())
