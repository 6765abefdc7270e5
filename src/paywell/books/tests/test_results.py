"""What the command prints, and what the worker's job keeps and puts before a person."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils.module_loading import import_string

from paywell.accounts.models import Role
from paywell.accounts.types import StaffViewer
from paywell.books import jobs
from paywell.books.checks.processor import UNEXPLAINED
from paywell.books.models import BookCheck
from paywell.books.queries import get_last_check, join_findings
from paywell.books.tests.worlds import Books, deliver, slip_in, unguarded
from paywell.core import clock
from paywell.core.errors import NotAllowed
from paywell.ledger.models import AccountKind
from paywell.outbox.models import OutboxEvent
from paywell.payments.models import ProcessorAccount, Review
from paywell.payments.tests.factories import make_world
from paywell.processors.contract import ProcessorUnavailable


def run(**options: Any) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("check_books", stdout=out, **options)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def break_it(books: Books) -> str:
    return str(slip_in(books.world, f"gift:{1}", AccountKind.CLEARING, AccountKind.SUSPENSE, 500).id)


def test_sound_books_print_one_line(books: Books) -> None:
    code, printed = run(processor=True)
    assert code == 0
    assert printed.count("\n") == 1
    assert printed.startswith("Looked at 11 transfers, 5 payments, 1 refunds, 1 disputes, 5 charges in ")


def test_what_offends_is_printed_and_the_exit_code_is_one(books: Books) -> None:
    transfer = break_it(books)
    code, printed = run(practice=books.world.practice.slug)
    assert code == 1
    assert "I2 The ledger holds exactly what the processor took" in printed
    assert f"  {transfer}  This transfer moves money at the processor that nothing there explains." in printed


def test_json_for_programs(books: Books) -> None:
    transfer = break_it(books)
    code, printed = run(json=True)
    told = json.loads(printed)
    assert (code, told["well"]) == (1, False)
    assert [(each["law"], each["id"]) for each in told["findings"]] == [(2, transfer)]


def test_the_worker_checks_every_ten_minutes() -> None:
    assert dict(import_string("paywell.config.schedule.PERIODIC"))["paywell.books.jobs.check"] == 600


def test_a_sound_run_is_kept_and_opens_no_review(books: Books) -> None:
    jobs.check.call()
    kept = BookCheck.objects.get()
    assert (kept.practice, kept.findings, kept.transfers) == (books.world.practice, [], 11)
    assert not Review.objects.filter(kind__startswith="books").exists()


def test_a_finding_is_kept_for_its_practice_and_opens_one_review(books: Books) -> None:
    other = make_world("Lakeside")
    transfer = break_it(books)
    for _ in range(2):
        jobs.check.call()
        deliver()
    review = Review.objects.get(kind="books_law_2")
    assert (review.practice, transfer in review.detail) == (books.world.practice, True)
    assert get_last_check(books.world.staff).findings[0]["id"] == transfer  # type: ignore[union-attr]
    assert get_last_check(other.staff).findings == []  # type: ignore[union-attr]


def test_what_concerns_the_whole_installation_is_told_to_each_practice(books: Books) -> None:
    make_world("Lakeside")
    with unguarded("payments_cardconsent"):
        jobs.check.call()
    assert [check.findings[0]["id"] for check in BookCheck.objects.all()] == ["payments_cardconsent"] * 2


def test_a_queue_that_stands_still_opens_one_review_a_day(books: Books) -> None:
    later = clock.now() + timedelta(minutes=20)
    with clock.set_to(later):
        OutboxEvent.objects.update(delivered_at=None)
        jobs.check.call()
    # Both on one day, at whatever hour this runs.
    with clock.set_to(max(later.replace(hour=0, minute=0), later - timedelta(minutes=1))):
        jobs.check.call()
    assert len(BookCheck.objects.earliest("at").findings) > 1
    assert Review.objects.filter(kind="books_law_5").count() == 1


def test_results_are_kept_for_a_week(books: Books) -> None:
    with clock.set_to(clock.now() - timedelta(days=8)):
        jobs.check.call()
    jobs.check.call()
    assert BookCheck.objects.count() == 1


def test_the_result_needs_the_right_to_the_audit(books: Books) -> None:
    viewer = StaffViewer(books.world.staff.id, books.world.practice, Role.READ_ONLY)
    with pytest.raises(NotAllowed):
        get_last_check(viewer)


def test_what_a_comparison_found_stands_until_the_next_one_and_nothing_else_does(books: Books) -> None:
    stuck, surplus = {"law": 5, "what": "Stuck.", "id": "1"}, {"law": 2, "what": UNEXPLAINED, "id": "ch_1"}
    staff = books.world.staff
    beside = keep(books, minute=0, with_processor=True, findings=[stuck, surplus])
    assert (get_last_check(staff), get_last_check(staff, with_processor=True)) == (beside, beside)
    assert join_findings(beside, beside) == [stuck, surplus]
    last = keep(books, minute=10, with_processor=False, findings=[])
    assert (get_last_check(staff), get_last_check(staff, with_processor=True)) == (last, beside)
    assert join_findings(last, beside) == [surplus]
    again = keep(books, minute=60, with_processor=True, findings=[])
    assert get_last_check(staff, with_processor=True) == again
    assert join_findings(again, again) == []


def keep(books: Books, *, minute: int, with_processor: bool, findings: list[dict[str, Any]]) -> BookCheck:
    return BookCheck.objects.create(
        practice=books.world.practice, at=clock.now() + timedelta(minutes=minute), took_ms=1, transfers=11,
        with_processor=with_processor, findings=findings,
    )  # fmt: skip


def test_a_processor_that_gave_no_answer_is_kept_for_its_own_practice(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_world("Lakeside")

    def refuse(account: ProcessorAccount) -> None:
        raise ProcessorUnavailable(account.connector)

    jobs.check.call()
    assert not BookCheck.objects.filter(unasked__gt=0).exists()
    monkeypatch.setattr("paywell.payments.processor_accounts.make_processor", refuse)
    other.processor_account.delete()
    jobs.check_recent.call()
    kept = dict(BookCheck.objects.filter(with_processor=True).values_list("practice_id", "unasked"))
    assert kept == {books.world.practice.id: 1, other.practice.id: 0}
