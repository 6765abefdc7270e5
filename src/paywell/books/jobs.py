"""Background jobs of the books."""

from __future__ import annotations

from datetime import timedelta

from django_tasks import task

from paywell.books.actions import record_check
from paywell.books.check import check_books
from paywell.core import clock


@task()
def check() -> None:
    """All laws over the database; the result is kept, and what is new goes before a person."""
    record_check(check_books())


@task()
def check_recent() -> None:
    """The same beside the processors' records of three days: what one of them lost would show within the hour."""
    record_check(check_books(with_processor=True, since=clock.now() - timedelta(hours=72)))


@task()
def check_month() -> None:
    """The same over 35 days, once a day."""
    record_check(check_books(with_processor=True, since=clock.now() - timedelta(days=35)))
