"""Who owes how much of a service. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from paywell.core.money import Money


def share_out(part: Money, shares: Sequence[tuple[UUID, int]], default_account_id: UUID) -> dict[UUID, Money]:
    """The client's part of a service by billing account; accounts that owe nothing are absent.

    `shares` are (account id, basis points). They are taken in the order of the accounts' ids, so that the odd cent
    falls on the same account every time. Without shares the default account owes everything.
    """
    if not part:
        return {}
    if not shares:
        return {default_account_id: part}
    ordered = sorted(shares)
    parts = part.split([points for _, points in ordered])
    return {account_id: money for (account_id, _), money in zip(ordered, parts, strict=True) if money}
