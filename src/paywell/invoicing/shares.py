"""Who owes how much of a service. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from paywell.core.money import Money


class Share(NamedTuple):
    """What one billing account owes of each service: basis points of the rest, or a fixed amount before it."""

    account_id: UUID
    basis_points: int = 0
    fixed_minor: int = 0
    applies_to: str = ""  #: a kind of service; empty: every kind that has no shares of its own


def choose_shares(shares: Sequence[Share], kind: str) -> list[Share]:
    """Those that hold for a service of this kind: its own, else the general ones."""
    own = [share for share in shares if share.applies_to == kind]
    return own or [share for share in shares if not share.applies_to]


def share_out(part: Money, shares: Sequence[Share], default_account_id: UUID) -> dict[UUID, Money]:
    """The client's part of a service by billing account; accounts that owe nothing are absent.

    `shares` are taken in the order of the accounts' ids, so that the odd cent falls on the same account every time.
    Fixed amounts come first, as far as the part goes; the rest goes by basis points with the largest remainder, or
    to the default account where there are none.
    """
    owed: dict[UUID, Money] = {}
    rest = part
    ordered = sorted(shares)
    for share in ordered:
        if share.fixed_minor:
            taken = min(Money(share.fixed_minor, part.currency), rest)
            owed[share.account_id], rest = taken, rest - taken
    by_points = [share for share in ordered if share.basis_points]
    if by_points:
        parts = rest.split([share.basis_points for share in by_points])
        owed |= {share.account_id: money for share, money in zip(by_points, parts, strict=True)}
    elif rest:
        owed[default_account_id] = owed.get(default_account_id, Money(0, part.currency)) + rest
    return {account_id: money for account_id, money in owed.items() if money}
