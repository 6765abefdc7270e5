"""Questions of clients about a line. While one is open, nobody is reminded of it and nothing is charged for it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.db.models import QuerySet

from paywell.accounts.types import Permission, StaffViewer
from paywell.audit.actions import record
from paywell.billing.models import Question
from paywell.clients.access import clients_of
from paywell.clients.types import PortalViewer
from paywell.core import clock
from paywell.core.db import lock, phase
from paywell.core.errors import NotAllowed, NotFoundForViewer, UserError
from paywell.core.security_log import access_refused
from paywell.invoicing.models import InvoiceLine
from paywell.outbox.actions import emit

TEXT_MAX = 1000


def ask_question(*, viewer: PortalViewer, line_id: UUID, text: str) -> Question:
    """The client asks about a line of the open account. One open question a line: a second is refused (`asked`)."""
    text = _clean(text, "Write what you want to know.")
    with phase():
        line = InvoiceLine.objects.filter(
            practice=viewer.practice, account=viewer.account, client_id__in=viewer.client_ids, id=line_id
        ).first()
        if line is None:
            access_refused(viewer=viewer, kind="invoice line", target=line_id, reason="not theirs")
            raise NotFoundForViewer
        if Question.objects.filter(practice=viewer.practice, line=line, answered_at=None).exists():
            raise _asked()
        try:
            question = Question.objects.create(
                practice=viewer.practice,
                line=line,
                contact=viewer.contact,
                user_id=viewer.id,
                text=text,
                asked_at=clock.now(),
            )
        except IntegrityError:
            raise _asked() from None
        record(
            practice_id=viewer.practice.id, actor_id=viewer.id, action="billing.ask_question",
            target_kind="question", target_id=question.id,
        )  # fmt: skip
        emit(
            practice_id=viewer.practice.id,
            kind="billing.question_asked",
            dedupe=f"question_asked:{question.id}",
            payload={"question_id": str(question.id)},
        )
    return question


def answer_question(*, viewer: StaffViewer, question: Question, answer: str) -> Question:
    """Staff answer, and the line is reminded of and charged again. The first answer stays."""
    if not viewer.may(Permission.TAKE_PAYMENTS):
        raise NotAllowed
    answer = _clean(answer, "Write an answer. The client reads it in the portal.", field="answer")
    with phase():
        row = lock(Question.objects.filter(practice=viewer.practice, pk=question.pk)).first()
        if row is None:
            raise NotFoundForViewer
        if row.answered_at is not None:
            return row
        row.answer, row.answered_at, row.answered_by_id = answer, clock.now(), viewer.id
        row.save(update_fields=["answer", "answered_at", "answered_by"])
        record(
            practice_id=viewer.practice.id, actor_id=viewer.id, action="billing.answer_question",
            target_kind="question", target_id=row.id,
        )  # fmt: skip
        emit(
            practice_id=viewer.practice.id,
            kind="billing.question_answered",
            dedupe=f"question_answered:{row.id}",
            payload={"question_id": str(row.id)},
        )
    return row


def find_questioned(practice_id: UUID, line_ids: Collection[UUID] | QuerySet[Any, Any]) -> set[UUID]:
    """Those of the lines (ids, or the query for them) that have an open question.

    Asked before a reminder and before an automatic charge.
    """
    rows = Question.objects.filter(practice_id=practice_id, line_id__in=line_ids, answered_at=None)
    return set(rows.values_list("line_id", flat=True))


def get_asked_at(practice_id: UUID, line_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """When the open question was asked, of those of the lines that have one. One query."""
    rows = Question.objects.filter(practice_id=practice_id, line_id__in=line_ids, answered_at=None)
    return dict(rows.values_list("line_id", "asked_at"))


def list_open_questions(viewer: StaffViewer) -> QuerySet[Question]:
    """What waits for an answer, the longest wait first; a clinician's own clients only."""
    rows = Question.objects.filter(practice=viewer.practice, answered_at=None, line__client__in=clients_of(viewer))
    return rows.select_related("line__client", "line__invoice", "contact").order_by("asked_at", "id")


def list_questions(practice_id: UUID, line_id: UUID) -> list[Question]:
    """Every question about a line, the oldest first."""
    rows = Question.objects.filter(practice_id=practice_id, line_id=line_id).select_related(
        "contact", "answered_by"
    )
    return list(rows.order_by("asked_at", "id"))


def _clean(text: str, missing: str, field: str = "text") -> str:
    text = text.replace("\x00", "").strip()
    if not text:
        raise UserError(missing, code=f"{field}_missing", field=field)
    if len(text) > TEXT_MAX:
        raise UserError(f"Use at most {TEXT_MAX} characters.", code=f"{field}_too_long", field=field)
    return text


def _asked() -> UserError:
    return UserError("This was asked already and waits for an answer.", code="asked", field="text")
