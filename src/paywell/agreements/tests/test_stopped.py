"""Staff hear of what a payer held or ended by themselves, once, until somebody took note."""

from __future__ import annotations

from dataclasses import replace

import pytest

from paywell.accounts.models import Role
from paywell.agreements.agree import end_agreement, hold_agreement
from paywell.agreements.models import Agreement, AgreementKind
from paywell.agreements.queries import list_stopped
from paywell.agreements.seen import mark_stop_seen
from paywell.agreements.tests.factories import MORNING, agree, payer
from paywell.audit.models import AuditEvent
from paywell.core import clock
from paywell.core.errors import NotAllowed
from paywell.payments.tests.factories import World, make_world
from paywell.payments.tests.fake_processor import FakeProcessor


def waiting(world: World) -> list[Agreement]:
    return list(list_stopped(world.staff))


def notes() -> int:
    return AuditEvent.objects.filter(action="agreements.see_stop").count()


@pytest.mark.parametrize("kind", list(AgreementKind))
def test_what_the_payer_ended_waits_until_somebody_took_note(
    world: World, processor: FakeProcessor, kind: AgreementKind
) -> None:
    agreement = agree(world)
    if kind is not AgreementKind.STAFF:
        agreement = Agreement.objects.create(
            practice=world.practice, kind=kind, account=world.account, contact=world.contact, user=world.user,
            card=agreement.card, wording_version="1", agreed_at=MORNING, currency="USD", charge_limit_minor=100,
        )  # fmt: skip
    with clock.set_to(MORNING):
        end_agreement(viewer=payer(world), agreement=agreement)
        end_agreement(viewer=payer(world), agreement=agreement)
    [row] = waiting(world)
    assert (row.id, row.stopped_at) == (agreement.id, MORNING)
    assert list(list_stopped(make_world("Elsewhere").staff)) == []
    mark_stop_seen(viewer=world.staff, agreement=agreement)
    mark_stop_seen(viewer=world.staff, agreement=agreement)
    assert (waiting(world), notes()) == ([], 1)


def test_a_hold_waits_until_it_goes_on_and_its_end_is_news_again(world: World, processor: FakeProcessor) -> None:
    agreement = agree(world, AgreementKind.AUTOPAY)
    hold_agreement(viewer=payer(world), agreement=agreement, is_held=True)
    assert len(waiting(world)) == 1
    hold_agreement(viewer=payer(world), agreement=agreement, is_held=False)
    assert waiting(world) == []
    hold_agreement(viewer=payer(world), agreement=agreement, is_held=True)
    mark_stop_seen(viewer=world.staff, agreement=agreement)
    assert waiting(world) == []
    end_agreement(viewer=payer(world), agreement=agreement)
    assert len(waiting(world)) == 1


def test_what_staff_did_or_the_payer_agreed_to_anew_is_no_news(world: World, processor: FakeProcessor) -> None:
    agreement = agree(world, AgreementKind.AUTOPAY)
    hold_agreement(viewer=world.staff, agreement=agreement, is_held=True)
    assert waiting(world) == []
    again = agree(world, AgreementKind.AUTOPAY, limit=60_000)
    assert waiting(world) == []
    end_agreement(viewer=world.staff, agreement=again)
    assert waiting(world) == []


def test_who_takes_no_payments_can_t_take_note(world: World, processor: FakeProcessor) -> None:
    agreement = agree(world)
    end_agreement(viewer=payer(world), agreement=agreement)
    for role in (Role.CLINICIAN, Role.READ_ONLY):
        with pytest.raises(NotAllowed):
            mark_stop_seen(viewer=replace(world.staff, role=role), agreement=agreement)
    mark_stop_seen(viewer=make_world("Elsewhere").staff, agreement=agreement)
    assert (len(waiting(world)), notes()) == (1, 0)
