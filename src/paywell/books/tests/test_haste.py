"""PostgreSQL ends a statement after fifteen seconds, and the books of a large practice take longer to read.

Found by a thousand killed processes: the check of 240,000 services was canceled, each time it was due.
"""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from django.db import connection, transaction

from paywell.books import check

pytestmark = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite ends no statement by itself")


def read_limit() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        return str(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_inside", [False, True], ids=["by itself", "in a transaction"])
def test_each_question_may_take_ten_minutes_and_whatever_comes_after_as_long_as_before(
    monkeypatch: pytest.MonkeyPatch, is_inside: bool
) -> None:
    seen: set[str] = set()
    monkeypatch.setattr(check, "find", lambda law, question, scope: seen.add(read_limit()) or [])
    usual = read_limit()
    assert usual != "10min"
    with transaction.atomic() if is_inside else nullcontext():
        check.check_books()
    assert (seen, read_limit()) == ({"10min"}, usual)


@pytest.mark.django_db(transaction=True)
def test_a_question_that_fails_leaves_the_limit_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> list[object]:
        raise ZeroDivisionError

    monkeypatch.setattr(check, "find", fail)
    usual = read_limit()
    with pytest.raises(ZeroDivisionError):
        check.check_books()
    assert read_limit() == usual
