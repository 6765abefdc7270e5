"""Whether the chains of the audit trail are whole. Only reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from paywell.audit.actions import GENESIS, event_hash
from paywell.audit.models import AuditEvent
from paywell.audit.seal import SEAL


@dataclass(frozen=True, slots=True)
class Break:
    """A place where a chain does not hold, in words for the person who runs the installation."""

    chain_id: UUID
    seq: int
    words: str


@dataclass(frozen=True, slots=True)
class Result:
    events: int
    chains: int
    breaks: tuple[Break, ...]


def check_chains(practice_id: UUID | None = None) -> Result:
    """Go through every event, or those of one practice: places without gaps, each hash right, each seal kept.

    One pass in the order of the chains, with memory for the heads and the last seals alone.
    """
    heads: dict[UUID, tuple[int, str]] = {}
    sealed = _sealed(practice_id)
    breaks: list[Break] = []
    events = 0
    for event in _events(practice_id):
        events += 1
        seq, head = heads.get(event.chain_id, (0, GENESIS))
        if event.seq != seq + 1:
            breaks.append(Break(event.chain_id, event.seq, f"events {seq + 1} to {event.seq - 1} are missing"))
        elif event.prev_hash != head:
            breaks.append(Break(event.chain_id, event.seq, "it does not follow from the event before"))
        if event.hash != event_hash(event):
            breaks.append(Break(event.chain_id, event.seq, "it was changed after it was written"))
        if sealed.get((event.chain_id, event.seq), event.hash) != event.hash:
            breaks.append(Break(event.chain_id, event.seq, "it was written anew after it was sealed"))
        heads[event.chain_id] = (event.seq, event.hash)
    breaks += _lost_ends(sealed, heads)
    return Result(events, len(heads), tuple(breaks))


def _events(practice_id: UUID | None) -> Iterator[AuditEvent]:
    rows = AuditEvent.objects.order_by("chain_id", "seq")
    if practice_id is not None:
        rows = rows.filter(practice_id=practice_id)
    return rows.iterator(chunk_size=1000)


def _sealed(practice_id: UUID | None) -> dict[tuple[UUID, int], str]:
    """What seals say: the hash at a place of a chain. The last seal of a practice names every chain."""
    rows = AuditEvent.objects.filter(action=SEAL)
    if practice_id is not None:
        rows = rows.filter(practice_id=practice_id)
    latest = {seal.practice_id: seal for seal in rows.order_by("at").iterator(chunk_size=100)}
    return {
        (UUID(chain), seq): head for seal in latest.values() for chain, (seq, head) in seal.detail["heads"].items()
    }


def _lost_ends(sealed: dict[tuple[UUID, int], str], heads: dict[UUID, tuple[int, str]]) -> Iterator[Break]:
    for chain, seq in sealed:
        found, _ = heads.get(chain, (0, ""))
        if found < seq:
            yield Break(chain, found, f"it had {seq} events when it was sealed, and has {found} now")
