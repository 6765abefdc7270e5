"""Claims: which invoice lines an open attempt holds."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from paywell.payments.models import Claim


def is_claimed(line_ids: Collection[UUID]) -> bool:
    """Whether an open attempt holds one of these lines. `invoicing.holds` asks before it voids."""
    return Claim.objects.filter(line_id__in=line_ids).exists()
