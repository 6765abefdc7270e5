"""Once a day each practice's own chain notes how long the chains of views are, so that losing an end shows."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Max

from paywell.audit.actions import record
from paywell.audit.models import AuditEvent

SEAL = "audit.seal"


def seal_practice(practice_id: UUID) -> AuditEvent | None:
    """One event that names the head of every chain of views of the practice; None where nothing is new."""
    chains = AuditEvent.objects.filter(practice_id=practice_id).exclude(chain_id=practice_id)
    lengths = dict(chains.values_list("chain_id").annotate(Max("seq")))
    last = AuditEvent.objects.filter(practice_id=practice_id, action=SEAL).order_by("-at").first()
    known = {UUID(chain): seq for chain, (seq, _) in last.detail["heads"].items()} if last else {}
    moved = {chain: seq for chain, seq in lengths.items() if seq > known.get(chain, 0)}
    if not moved:
        return None
    # Every head each time: a seal is read alone, and a practice has few people.
    heads = {
        str(chain): [seq, AuditEvent.objects.get(chain_id=chain, seq=seq).hash] for chain, seq in lengths.items()
    }
    return record(practice_id=practice_id, actor_id=None, action=SEAL, detail={"heads": heads})


def seal_all() -> int:
    """The periodic job. Gives how many practices were sealed."""
    practices = AuditEvent.objects.values_list("practice_id", flat=True).distinct().order_by("practice_id")
    return sum(seal_practice(practice) is not None for practice in practices if practice)
