from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from paywell.accounts.models import Role
from paywell.audit.models import AuditEvent
from paywell.clients.models import Client
from paywell.core import clock
from paywell.core.errors import NotAllowed, NotFoundForViewer, UserError
from paywell.core.money import Money
from paywell.outbox.models import OutboxEvent
from paywell.payments.models import AttemptLine, AttemptState, Review
from paywell.payments.reviews import access_review, close_review, count_open_reviews, list_reviews, open_review
from paywell.payments.tests.factories import World, make_attempts, make_lines, make_world

NOW = datetime(2026, 11, 10, 15, tzinfo=UTC)


def put(world: World, about: str = "1", **changes: object) -> Review:
    said: dict[str, object] = {
        "practice_id": world.practice.id,
        "kind": "surplus",
        "about": about,
        "money": Money(500),
    }
    open_review(**(said | changes))
    return Review.objects.get(practice=world.practice, dedupe=f"surplus:{about}")


def test_the_same_thing_is_put_before_a_person_once(world: World) -> None:
    assert put(world) == put(world)
    assert OutboxEvent.objects.filter(kind="payments.review_opened").count() == 1


def test_it_stays_closed_when_the_same_thing_is_found_again(world: World) -> None:
    close_review(viewer=world.staff, review=put(world), note="Told the client.")
    assert put(world).closed_at is not None
    assert count_open_reviews(world.staff) == 0


def test_the_longest_wait_stands_first(world: World) -> None:
    with clock.set_to(NOW):
        old = put(world, "1")
    with clock.set_to(NOW + timedelta(hours=1)):
        new = put(world, "2")
    assert list_reviews(world.staff).rows == (old, new)
    assert count_open_reviews(world.staff) == 2


def test_closing_says_who_when_and_why_and_is_audited(world: World) -> None:
    review = put(world)
    with clock.set_to(NOW):
        close_review(viewer=world.staff, review=review, note="  Refunded at the bank. ")
    review.refresh_from_db()
    assert (review.closed_at, review.closed_by_id) == (NOW, world.staff.id)
    assert review.closing_note == "Refunded at the bank."
    event = AuditEvent.objects.get(action="payments.close_review")
    assert (event.target_id, event.detail) == (review.id, {"kind": "surplus"})
    assert list_reviews(world.staff).rows == ()
    assert list_reviews(world.staff, is_open=False).rows == (review,)


def test_closing_again_leaves_the_first_note(world: World) -> None:
    review = put(world)
    close_review(viewer=world.staff, review=review, note="First.")
    assert close_review(viewer=world.staff, review=review, note="Second.").closing_note == "First."
    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize(("note", "code"), [("  ", "note_missing"), ("x" * 301, "note_too_long")])
def test_a_note_is_needed(world: World, note: str, code: str) -> None:
    review = put(world)
    with pytest.raises(UserError) as refusal:
        close_review(viewer=world.staff, review=review, note=note)
    assert refusal.value.code == code
    assert count_open_reviews(world.staff) == 1


def test_a_payment_that_holds_its_services_keeps_its_review(world: World) -> None:
    (attempt,) = make_attempts(world, make_lines(world, 1), state=AttemptState.IN_REVIEW, captured_minor=0)
    review = put(world, attempt_id=attempt.id)
    with pytest.raises(UserError) as refusal:
        close_review(viewer=world.staff, review=review, note="Looks fine.")
    assert refusal.value.code == "payment_in_review"
    assert count_open_reviews(world.staff) == 1


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.FRONT_DESK, Role.READ_ONLY])
def test_only_who_may_refund_may_close(world: World, role: Role) -> None:
    review = put(world)
    with pytest.raises(NotAllowed):
        close_review(viewer=replace(world.staff, role=role), review=review, note="Fine.")
    assert Review.objects.get().closed_at is None


def test_a_clinician_sees_what_concerns_own_clients_once_however_many_lines(world: World) -> None:
    lines = make_lines(world, 2)
    (attempt,) = make_attempts(world, lines[:1])
    AttemptLine.objects.create(practice=world.practice, attempt=attempt, line=lines[1], amount_minor=5000)
    review, _about_the_account = put(world, attempt_id=attempt.id), put(world, "2")
    clinician = replace(world.staff, role=Role.CLINICIAN, clinician_id=world.clinician.id)
    assert list_reviews(clinician).rows == ()
    Client.objects.filter(pk=world.client.pk).update(clinician=world.clinician)
    assert list_reviews(clinician).rows == (review,)
    assert count_open_reviews(clinician) == 1


def test_another_practice_s_review_is_not_found_and_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    review, stranger = put(world), make_world("Hillside").staff
    assert access_review(world.staff, review.id) == review
    with pytest.raises(NotFoundForViewer):
        access_review(stranger, review.id)
    assert f"target={review.id}" in caplog.text
    with pytest.raises(NotFoundForViewer):
        close_review(viewer=stranger, review=review, note="Mine.")
    assert (list_reviews(stranger).rows, Review.objects.get().closed_at) == ((), None)


def test_the_list_takes_one_query(world: World) -> None:
    for place, attempt in enumerate(make_attempts(world, make_lines(world, 30))):
        put(world, str(place), attempt_id=attempt.id)
    with CaptureQueriesContext(connection) as captured:
        page = list_reviews(world.staff)
        assert {row.attempt.account.name for row in page.rows if row.attempt} == {"Mia Stone"}
    assert (len(captured), len(page.rows), page.has_next) == (1, 25, True)
