"""What every write about clients and people does: ask for what is needed, stay in the practice, leave a trace."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from paywell.audit import actions as audit
from paywell.clients.models import BillingAccount, Client
from paywell.core.errors import UserError
from paywell.practice.models import Clinician


def need(text: str, field: str, message: str) -> str:
    """The text without blanks around it. Raises UserError `<field>_missing` with the message."""
    if not text.strip():
        raise UserError(message, code=f"{field}_missing", field=field)
    return text.strip()


def refuse_elsewhere(practice_id: UUID, row: Client | BillingAccount | Clinician, code: str, field: str) -> None:
    """Raises UserError with the code where the row is another practice's."""
    if row.practice_id != practice_id:
        raise UserError("Choose one of this practice.", code=code, field=field)


def record(
    practice_id: UUID,
    actor_id: UUID | None,
    action: str,
    kind: str,
    target_id: UUID,
    detail: dict[str, Any] | None = None,
) -> None:
    """One line of the audit trail. In the transaction of what it tells of."""
    audit.record(
        practice_id=practice_id,
        actor_id=actor_id,
        action=action,
        target_kind=kind,
        target_id=target_id,
        detail=detail,
    )
