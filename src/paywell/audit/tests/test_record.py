from __future__ import annotations

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from paywell.audit.actions import GENESIS, event_hash, record, record_many
from paywell.audit.models import AuditEvent
from paywell.core.ids import new_id

pytestmark = pytest.mark.django_db


def test_events_of_a_practice_are_one_chain() -> None:
    practice, other, actor = new_id(), new_id(), new_id()
    for action in ("practice.allow_payments", "payments.refund_payment"):
        record(practice_id=practice, actor_id=actor, action=action, detail={"fields": ["phone"]})
    record(practice_id=other, actor_id=actor, action="practice.allow_payments")
    rows = list(AuditEvent.objects.filter(chain_id=practice).order_by("seq"))
    assert [(row.seq, row.prev_hash) for row in rows] == [(1, GENESIS), (2, rows[0].hash)]
    assert [row.hash for row in rows] == [event_hash(row) for row in rows]
    assert AuditEvent.objects.get(chain_id=other).seq == 1


def test_what_concerns_no_practice_has_a_chain_of_its_own() -> None:
    event = record(practice_id=None, actor_id=new_id(), action="accounts.sign_in")
    assert (event.practice_id, event.chain_id.int, event.seq) == (None, 0, 1)


def test_a_place_that_another_writer_took_is_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    practice = new_id()
    create, refusals = AuditEvent.objects.bulk_create, [IntegrityError("audit_event_chain")]

    def create_or_refuse(events: list[AuditEvent]) -> list[AuditEvent]:
        if refusals:
            raise refusals.pop()
        return create(events)

    monkeypatch.setattr(AuditEvent.objects, "bulk_create", create_or_refuse)
    event = record(practice_id=practice, actor_id=None, action="practice.allow_payments")
    assert not refusals
    assert list(AuditEvent.objects.filter(chain_id=practice)) == [event]


def test_what_was_done_to_many_is_an_event_for_each_in_the_same_chain() -> None:
    practice, targets = new_id(), [new_id(), new_id(), new_id()]
    record(practice_id=practice, actor_id=None, action="practice.allow_payments")
    made = record_many(
        practice_id=practice, actor_id=None, action="documents.issue", target_kind="statement",
        details={target: {"label": f"ST-{place}"} for place, target in enumerate(targets)},
    )  # fmt: skip
    rows = list(AuditEvent.objects.filter(chain_id=practice).order_by("seq"))
    assert rows[1:] == made
    assert [row.seq for row in rows] == [1, 2, 3, 4]
    assert [row.prev_hash for row in rows] == [GENESIS, *(row.hash for row in rows[:3])]
    assert [row.hash for row in rows] == [event_hash(row) for row in rows]
    assert [(row.target_id, row.detail) for row in made] == [
        (target, {"label": f"ST-{place}"}) for place, target in enumerate(targets)
    ]


@pytest.mark.parametrize("verb", ["change", "delete"])
def test_the_database_refuses_to_change_or_delete_an_event(verb: str) -> None:
    event = record(practice_id=new_id(), actor_id=None, action="practice.allow_payments")
    rows = AuditEvent.objects.filter(pk=event.pk)
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.update(action="other") if verb == "change" else rows.delete()
    assert rows.get().action == "practice.allow_payments"
