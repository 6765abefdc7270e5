"""Tampering that gets past the triggers shows in the chains."""

from __future__ import annotations

from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command

from paywell.audit.actions import chain_of_views, record, record_view
from paywell.audit.check import check_chains
from paywell.audit.models import AuditEvent
from paywell.audit.seal import SEAL, seal_all, seal_practice
from paywell.core.ids import new_id
from paywell.core.tests.triggers import unguarded

pytestmark = pytest.mark.django_db


def look(practice: UUID, actor: UUID) -> AuditEvent:
    return record_view(
        room="desk", practice_id=practice, actor_id=actor, page="client", target_kind="client", target_id=new_id()
    )


def make_trail() -> tuple[UUID, UUID]:
    """Three changes, and four views of one person."""
    practice, actor = new_id(), new_id()
    for _ in range(3):
        record(practice_id=practice, actor_id=actor, action="clients.change_client")
        look(practice, actor)
    look(practice, actor)
    return practice, actor


def words(practice: UUID) -> list[str]:
    return [one.words for one in check_chains(practice).breaks]


def tamper(**where: Any) -> Any:
    return AuditEvent.objects.filter(**where)


def test_views_and_changes_are_chains_apart_and_whole() -> None:
    practice, actor = make_trail()
    look(practice, new_id())
    result = check_chains(practice)
    assert (result.events, result.chains, result.breaks) == (8, 3, ())
    views = AuditEvent.objects.filter(chain_id=chain_of_views(practice, actor))
    assert list(views.order_by("seq").values_list("seq", "action")) == [(n, "desk.view") for n in (1, 2, 3, 4)]


def test_a_changed_event_shows() -> None:
    practice, actor = make_trail()
    with unguarded("audit_auditevent"):
        tamper(chain_id=practice, seq=2).update(actor_id=new_id())
    assert words(practice) == ["it was changed after it was written"]


def test_a_removed_event_shows() -> None:
    practice, actor = make_trail()
    with unguarded("audit_auditevent"):
        tamper(chain_id=chain_of_views(practice, actor), seq=2).delete()
    assert words(practice) == ["events 2 to 2 are missing"]


def test_a_lost_end_shows_once_it_was_sealed() -> None:
    practice, actor = make_trail()
    seal_practice(practice)
    with unguarded("audit_auditevent"):
        tamper(chain_id=chain_of_views(practice, actor), seq__gte=3).delete()
    assert words(practice) == ["it had 4 events when it was sealed, and has 2 now"]


def test_an_end_written_anew_after_the_seal_shows() -> None:
    practice, actor = make_trail()
    seal_practice(practice)
    with unguarded("audit_auditevent"):
        tamper(chain_id=chain_of_views(practice, actor), seq=4).delete()
        look(practice, actor)
    assert words(practice) == ["it was written anew after it was sealed"]


def test_sealing_again_writes_only_what_is_new() -> None:
    practice, actor = make_trail()
    assert seal_all() == 1
    assert (seal_all(), seal_practice(practice)) == (0, None)
    look(practice, actor)
    assert seal_all() == 1
    assert AuditEvent.objects.filter(practice_id=practice, action=SEAL).count() == 2
    assert check_chains(practice).breaks == ()


def test_the_command_says_how_it_stands_and_fails_where_it_does_not_hold() -> None:
    practice, _ = make_trail()
    out = StringIO()
    call_command("check_audit", stdout=out)
    assert out.getvalue() == "7 events in 2 chains, 0 broken places.\n"
    with unguarded("audit_auditevent"):
        tamper(chain_id=practice, seq=1).update(action="clients.other")
    with pytest.raises(SystemExit) as end:
        call_command("check_audit", stdout=out)
    assert end.value.code == 1
    assert f"Chain {practice}, event 1: it was changed after it was written." in out.getvalue()
