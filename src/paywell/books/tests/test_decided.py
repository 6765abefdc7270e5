"""What a person decided about a payment is no offence."""

from __future__ import annotations

import pytest

from paywell.books.tests.worlds import Books, found
from paywell.payments.actions import start_payment
from paywell.payments.decisions import Decision, decide_review
from paywell.payments.models import Review
from paywell.payments.settle import give_up
from paywell.payments.tests.factories import make_form, make_line
from paywell.payments.tests.fake_processor import FakeProcessor


@pytest.mark.parametrize(("status", "decision"), [("declined", Decision.NOTHING_MOVED), ("paid", Decision.ACCEPT)])
def test_a_person_s_decision_leaves_sound_books(
    books: Books, processor: FakeProcessor, status: str, decision: Decision
) -> None:
    processor.behavior = "late"
    attempt = start_payment(viewer=books.world.viewer, form=make_form(make_line(books.world)))
    give_up(attempt_id=attempt.id)
    processor.finish(attempt.reference, status)
    review = Review.objects.filter(closed_at=None, attempt=attempt).get()
    decide_review(viewer=books.world.staff, review=review, decision=decision, note="Asked the processor.")
    assert found() == {}
