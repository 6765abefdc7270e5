from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from paywell.audit.models import AuditEvent
from paywell.core import clock
from paywell.core.errors import NotAllowed, UserError
from paywell.core.ids import new_id
from paywell.work import runner
from paywell.work.actions import cancel_work, request_work
from paywell.work.jobs import forget_expired, run_due
from paywell.work.models import ItemState, Work, WorkFile, WorkItem, WorkState
from paywell.work.queries import list_files, list_left_out
from paywell.work.runner import LEASE, serve_due
from paywell.work.tests.factories import Names, ask_for, serve_all
from paywell.work.types import Skipped

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 23, 17, tzinfo=UTC)
KINDS = ["test_names", "test_names_outside"]


@pytest.fixture(autouse=True)
def _behavior() -> Iterator[None]:
    yield
    Names.behavior = None


def behave(what: Callable[[WorkItem], Any]) -> None:
    Names.behavior = staticmethod(what)


def files_of(work: Work) -> list[str]:
    return sorted(work.files.values_list("name", flat=True))


@pytest.mark.parametrize("kind", KINDS)
def test_a_work_does_each_of_its_items_and_keeps_their_files(kind: str) -> None:
    work = ask_for("ana", "ben", "cal", "dee", kind=kind)
    assert (work.state, work.total) == (WorkState.QUEUED, None)
    serve_all()
    work.refresh_from_db()
    assert (work.state, work.total, work.done, work.skipped, work.failed) == (WorkState.DONE, 4, 4, 0, 0)
    assert work.summary == {"lines": ["4 names"]}
    assert files_of(work) == ["ana.txt", "ben.txt", "cal.txt", "dee.txt"]
    assert (work.lease_key, work.lease_until) == ("", None)
    told = AuditEvent.objects.filter(target_id=work.id).order_by("seq").values_list("action", flat=True)
    assert list(told) == ["work.request_work", "work.done_work"]


def test_asking_twice_under_one_key_asks_once_in_each_practice() -> None:
    here, there = new_id(), new_id()
    first = ask_for("ana", practice_id=here, key="k")
    assert ask_for("ben", practice_id=here, key="k") == first
    assert ask_for("ana", practice_id=there, key="k") != first
    assert AuditEvent.objects.filter(action="work.request_work").count() == 2


def test_an_unknown_kind_can_t_be_asked_for() -> None:
    with pytest.raises(KeyError):
        request_work(practice_id=new_id(), kind="nothing", title="x", actor_id=None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_that_dies_in_a_step_leaves_nothing_half_done_and_another_one_goes_on(kind: str) -> None:
    work = ask_for("ana", "ben", "cal", "dee", kind=kind)

    class Killed(BaseException):
        """As a power cut would: nothing of ours runs any more."""

    def die(item: WorkItem) -> None:
        if item.data["name"] == "dee":
            raise Killed

    behave(die)
    with clock.set_to(NOON):
        Work.objects.update(next_try_at=NOON)
        with pytest.raises(Killed):
            serve_due()
        # Even the clean release may not have happened.
        Work.objects.filter(pk=work.pk).update(lease_key="gone", lease_until=NOON + LEASE)
        assert files_of(work) == ["ana.txt", "ben.txt", "cal.txt"]
        Names.behavior = None
        assert serve_due() is False
        assert work.items.filter(state=ItemState.TODO).count() == 1
    with clock.set_to(NOON + LEASE):
        serve_all()
    work.refresh_from_db()
    assert (work.state, work.done) == (WorkState.DONE, 4)
    assert files_of(work) == ["ana.txt", "ben.txt", "cal.txt", "dee.txt"]


def test_a_worker_whose_lease_another_one_took_marks_nothing() -> None:
    work = ask_for("ana", kind="test_names_outside")
    behave(lambda item: Work.objects.filter(pk=work.pk).update(lease_key="another") and None)
    serve_due()
    assert files_of(work) == []
    assert work.items.get().state == ItemState.TODO
    assert Work.objects.get(pk=work.pk).lease_key == "another"


def test_what_staff_can_put_right_skips_the_item_with_its_reason() -> None:
    work = ask_for("ana", "ben", "cal")

    def refuse(item: WorkItem) -> Skipped | None:
        if item.data["name"] == "ana":
            raise UserError("There is no address.", code="no_address")
        return Skipped("Nothing is owed.") if item.data["name"] == "ben" else None

    behave(refuse)
    serve_all()
    work.refresh_from_db()
    assert (work.state, work.done, work.skipped, work.failed) == (WorkState.DONE, 1, 2, 0)
    assert [(i.label, i.words) for i in list_left_out(work)] == [
        ("ana", "There is no address."), ("ben", "Nothing is owed."),
    ]  # fmt: skip
    assert files_of(work) == ["cal.txt"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_item_that_fails_three_times_is_left_out_and_holds_up_no_other(kind: str) -> None:
    work = ask_for("ana", "ben", "cal", "dee", kind=kind)
    tried: list[str] = []

    def fail(item: WorkItem) -> None:
        tried.append(item.data["name"])
        if item.data["name"] == "ben":
            raise ValueError("no")

    behave(fail)
    serve_all()
    work.refresh_from_db()
    assert (work.state, work.done, work.failed) == (WorkState.DONE, 3, 1)
    assert tried.count("ben") == 3
    assert files_of(work) == ["ana.txt", "cal.txt", "dee.txt"]
    assert [item.label for item in list_left_out(work)] == ["ben"]


def test_planning_that_fails_is_tried_again_later_and_then_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with clock.set_to(NOON):
        work = ask_for("ana")
        monkeypatch.setattr(Names, "plan", lambda self, work: 1 / 0)
        assert serve_due() is False
    for minutes in (1, 2):
        with clock.set_to(NOON + timedelta(minutes=minutes)):
            work.refresh_from_db()
            assert work.state == WorkState.RUNNING
            serve_due()
    work.refresh_from_db()
    assert work.state == WorkState.FAILED
    assert "failed several times" in work.problem


def test_the_work_of_somebody_who_lost_the_right_ends_and_says_why() -> None:
    work = ask_for("ana", "ben")

    def refuse(item: WorkItem) -> None:
        if item.data["name"] == "ben":
            raise NotAllowed

    behave(refuse)
    serve_all()
    work.refresh_from_db()
    assert (work.state, work.done, work.seen) == (WorkState.FAILED, 1, 1)
    assert work.problem == "The person who asked for it may not do this any more."


def test_a_kind_that_this_version_does_not_know_ends_as_failed() -> None:
    with clock.set_to(NOON):
        work = ask_for("ana")
        Work.objects.update(kind="of_the_future")
    for minutes in (0, 1, 2):
        with clock.set_to(NOON + timedelta(minutes=minutes)):
            serve_due()
    work.refresh_from_db()
    assert work.state == WorkState.FAILED


def test_canceled_before_it_began_nothing_is_done() -> None:
    work = cancel_work(work=ask_for("ana"), actor_id=None)
    assert (work.state, work.total) == (WorkState.CANCELED, None)
    assert serve_due() is False
    assert not WorkItem.objects.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_canceled_while_it_runs_it_stops_before_the_next_step_and_what_is_done_stays(kind: str) -> None:
    work = ask_for("ana", "ben", "cal", "dee", "eva", kind=kind)

    def cancel(item: WorkItem) -> None:
        if item.data["name"] == "ben":
            Work.objects.filter(pk=work.pk).update(cancel_requested_at=clock.now())

    behave(cancel)
    serve_all()
    work.refresh_from_db()
    assert work.state == WorkState.CANCELED
    assert work.done == (2 if kind == "test_names" else 3)
    assert work.items.filter(state=ItemState.TODO).count() == 5 - work.done
    assert cancel_work(work=work, actor_id=None).state == WorkState.CANCELED


JOINED = "test_names_joined"


def test_a_long_finish_gives_way_between_its_pieces_and_keeps_what_it_has() -> None:
    put: list[str] = []
    work = ask_for("ana", "ben", "cal", kind=JOINED)
    behave(lambda item: put.append(item.label))
    turns = 0
    while serve_due(budget_s=0):
        turns += 1
    assert put == ["ana", "ben", "cal"]
    assert turns >= 5
    work.refresh_from_db()
    assert (work.state, work.lease_key) == (WorkState.DONE, "")
    assert bytes(work.files.get().content) == b"ana ben cal"


def test_a_finish_longer_than_the_lease_is_done_by_one_worker_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece takes a minute and a half; between the pieces another worker looks for something to do."""
    work = ask_for("ana", "ben", "cal", kind=JOINED)
    Work.objects.update(next_try_at=NOON)
    put: list[str] = []

    def piece(item: WorkItem) -> None:
        put.append(item.label)
        clock.wait(timedelta(seconds=90))

    def others_find_nothing() -> None:
        with monkeypatch.context() as other:
            other.setattr(runner, "_under_way", {})
            assert serve_due() is False

    behave(piece)
    with clock.set_to(NOON):
        while serve_due(budget_s=0):
            if put:
                others_find_nothing()
        assert clock.now() - NOON > 2 * LEASE
    assert put == ["ana", "ben", "cal"]
    assert Work.objects.get(pk=work.pk).state == WorkState.DONE
    assert work.files.count() == 1


def test_the_finish_of_a_worker_that_died_is_begun_anew_when_its_lease_is_over() -> None:
    put: list[str] = []
    work = ask_for("ana", "ben", kind=JOINED)
    behave(lambda item: put.append(item.label))
    with clock.set_to(NOON):
        Work.objects.update(next_try_at=NOON)
        for _turn in range(3):
            serve_due(budget_s=0)
        assert put == ["ana"]
        left = dict(runner._under_way)
        runner._under_way.clear()
        assert serve_due() is False
    with clock.set_to(NOON + LEASE):
        serve_all()
        assert put == ["ana", "ana", "ben"]
        assert bytes(work.files.get().content) == b"ana ben"
        # The first one was not dead after all: it finds nothing to go on with.
        runner._under_way.update(left)
        serve_all()
    assert runner._under_way == {}
    assert work.files.count() == 1
    assert AuditEvent.objects.filter(target_id=work.id, action="work.done_work").count() == 1


def test_a_worker_that_slept_through_its_lease_stores_nothing() -> None:
    """Another one took the finish over while this one was in a piece, and has not ended it yet."""
    work = ask_for("ana", kind=JOINED)
    behave(lambda item: Work.objects.filter(pk=work.pk).update(lease_key="another") and None)
    serve_due()
    assert not work.files.exists()
    assert Work.objects.get(pk=work.pk).state == WorkState.RUNNING
    assert runner._under_way == {}


def test_a_finish_can_be_canceled_between_its_pieces() -> None:
    put: list[str] = []
    work = ask_for("ana", "ben", "cal", kind=JOINED)

    def cancel(item: WorkItem) -> None:
        put.append(item.label)
        cancel_work(work=work, actor_id=None)

    behave(cancel)
    serve_all()
    work.refresh_from_db()
    assert (work.state, put) == (WorkState.CANCELED, ["ana"])
    assert not work.files.exists()


def test_what_has_ended_can_t_be_canceled() -> None:
    work = ask_for("ana")
    serve_all()
    assert cancel_work(work=work, actor_id=None).cancel_requested_at is None
    assert not AuditEvent.objects.filter(action="work.cancel_work").exists()


def test_a_slice_ends_with_its_budget_and_says_that_there_is_more() -> None:
    works = [ask_for("ana", "ben") for _ in range(2)]
    assert serve_due(budget_s=0) is True
    assert [w.items.filter(state=ItemState.DONE).count() for w in works] == [1, 0]
    # Whoever waited longest is next: no work starves behind a long one.
    assert serve_due(budget_s=0) is True
    assert [w.items.filter(state=ItemState.DONE).count() for w in works] == [1, 1]
    serve_all()
    assert set(Work.objects.values_list("state", flat=True)) == {WorkState.DONE}


def test_files_are_kept_for_a_week_and_then_deleted() -> None:
    with clock.set_to(NOON):
        work = ask_for("ana")
        assert run_due.func() is False
        assert [file.name for file in list_files(work)] == ["ana.txt"]
    with clock.set_to(NOON + timedelta(days=7) - timedelta(seconds=1)):
        forget_expired.func()
        assert WorkFile.objects.count() == 1
    with clock.set_to(NOON + timedelta(days=7)):
        assert not list_files(work).exists()
        forget_expired.func()
    assert WorkFile.objects.count() == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "odd"},
        {"state": WorkState.DONE},
        {"finished_at": NOON},
        {"total": 1, "done": 2},
        {"done": 1},
    ],
)
def test_the_database_refuses_a_state_that_can_t_be(wrong: dict[str, Any]) -> None:
    work = ask_for("ana")
    with pytest.raises(IntegrityError), transaction.atomic():
        Work.objects.filter(pk=work.pk).update(**wrong)
