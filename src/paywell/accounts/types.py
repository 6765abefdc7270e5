"""Who is looking, on the practice's side, and what their role lets them do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from paywell.accounts.models import Role
from paywell.practice.models import Practice


class Permission(StrEnum):
    """What a staff role may do. A view names the one it needs; `access_desk` checks it."""

    SEE_DESK = "see_desk"
    SEE_CLIENTS = "see_clients"
    SEE_DIAGNOSES = "see_diagnoses"
    SEE_MONEY = "see_money"
    EDIT_CLIENTS = "edit_clients"
    RECORD_SERVICES = "record_services"
    ISSUE_INVOICES = "issue_invoices"
    TAKE_PAYMENTS = "take_payments"
    REFUND = "refund"
    CHANGE_SETTINGS = "change_settings"
    SEE_AUDIT = "see_audit"


_READ = {Permission.SEE_DESK, Permission.SEE_CLIENTS, Permission.SEE_DIAGNOSES, Permission.SEE_MONEY}
_BILL = _READ | {
    Permission.EDIT_CLIENTS,
    Permission.RECORD_SERVICES,
    Permission.ISSUE_INVOICES,
    Permission.TAKE_PAYMENTS,
    Permission.REFUND,
}

#: The whole of who may do what. A clinician's are further narrowed to their own clients.
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.BILLER: frozenset(_BILL | {Permission.SEE_AUDIT}),
    Role.CLINICIAN: frozenset(_READ | {Permission.RECORD_SERVICES}),
    Role.FRONT_DESK: frozenset(
        {Permission.SEE_DESK, Permission.SEE_CLIENTS, Permission.SEE_MONEY, Permission.TAKE_PAYMENTS}
    ),
    Role.READ_ONLY: frozenset(_READ),
}


@dataclass(frozen=True, slots=True)
class StaffViewer:
    """A staff member looking at their practice. Made by `accounts.access.access_desk` alone."""

    id: UUID  #: the user's
    practice: Practice
    role: Role
    clinician_id: UUID | None = None  #: set for the role clinician: own clients only

    def may(self, permission: Permission) -> bool:
        return permission in PERMISSIONS[self.role]
