"""People for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any

from paywell.accounts.models import Role, StaffMember, User
from paywell.practice.models import Clinician, Practice

PASSWORD = "quiet river under old stones"
_numbers = count(1)


def make_practice(**fields: Any) -> Practice:
    n = next(_numbers)
    defaults = {
        "name": f"Practice {n:03}",
        "slug": f"practice-{n:03}",
        "tax_id": "12-3456789",
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return Practice.objects.create(**(defaults | fields))


def make_user(**fields: Any) -> User:
    n = next(_numbers)
    email = fields.pop("email", f"person{n}@example.org")
    return User.objects.create_user(email, fields.pop("password", PASSWORD), **fields)


def make_clinician(practice: Practice, **fields: Any) -> Clinician:
    return Clinician.objects.create(**({"practice": practice, "name": f"Clinician {next(_numbers)}"} | fields))


def make_staff(practice: Practice, role: Role = Role.OWNER, **fields: Any) -> StaffMember:
    if "user" not in fields:
        fields["user"] = make_user()
    return StaffMember.objects.create(practice=practice, role=role, **fields)
