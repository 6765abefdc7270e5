from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from paywell.accounts.models import Role
from paywell.core import clock
from paywell.core.errors import NotFoundForViewer
from paywell.core.ids import new_id
from paywell.payments.access import access_attempt, access_payment, access_saved_card
from paywell.payments.models import Attempt, SavedCard
from paywell.payments.tests.factories import World, make_attempts, make_lines, make_other_payer, make_world


@pytest.fixture
def attempt(world: World) -> Attempt:
    return make_attempts(world, make_lines(world, 1))[0]


def make_card(world: World) -> SavedCard:
    return SavedCard.objects.create(
        practice=world.practice, processor_account=world.processor_account, contact=world.contact, token="card_1",
        customer_ref="cus_1", brand="Visa", last4="4242", created_at=clock.now(),
    )  # fmt: skip


def refuse(access: Callable[[UUID], object], target: UUID, log: pytest.LogCaptureFixture) -> None:
    log.clear()
    with pytest.raises(NotFoundForViewer):
        access(target)
    assert f"target={target}" in log.text
    assert log.records[-1].name == "paywell.security"


def test_a_payer_s_own_payment_is_found(world: World, attempt: Attempt) -> None:
    assert access_attempt(world.viewer, attempt.id) == attempt


def test_another_payer_on_the_account_finds_it_while_they_act_for_the_client(
    world: World, attempt: Attempt
) -> None:
    assert access_attempt(make_other_payer(world), attempt.id) == attempt


def test_another_payer_without_a_grant_for_the_client_is_refused(
    world: World, attempt: Attempt, caplog: pytest.LogCaptureFixture
) -> None:
    other = make_other_payer(world)
    other = replace(other, rights=tuple(replace(right, client_id=new_id()) for right in other.rights))
    refuse(lambda target: access_attempt(other, target), attempt.id, caplog)


def test_a_payer_keeps_their_own_payment_when_the_grant_for_its_client_ends(world: World, attempt: Attempt) -> None:
    assert access_attempt(replace(world.viewer, rights=()), attempt.id) == attempt


def test_another_account_s_and_another_practice_s_payment_are_not_found(
    world: World, attempt: Attempt, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = make_world("Hillside")
    same_practice = replace(stranger.viewer, practice=world.practice)
    refuse(lambda target: access_attempt(stranger.viewer, target), attempt.id, caplog)
    refuse(lambda target: access_attempt(same_practice, target), attempt.id, caplog)
    refuse(lambda target: access_attempt(world.viewer, target), new_id(), caplog)


def test_staff_find_payments_of_their_own_practice_only(
    world: World, attempt: Attempt, caplog: pytest.LogCaptureFixture
) -> None:
    assert access_payment(world.staff, attempt.id) == attempt
    refuse(lambda target: access_payment(make_world("Hillside").staff, target), attempt.id, caplog)


def test_a_clinician_finds_payments_of_own_clients_only(
    world: World, attempt: Attempt, caplog: pytest.LogCaptureFixture
) -> None:
    clinician = replace(world.staff, role=Role.CLINICIAN, clinician_id=world.clinician.id)
    refuse(lambda target: access_payment(clinician, target), attempt.id, caplog)
    world.client.clinician = world.clinician
    world.client.save()
    assert access_payment(clinician, attempt.id) == attempt


def test_a_card_is_found_by_its_owner_alone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    card = make_card(world)
    assert access_saved_card(world.viewer, card.id) == card
    refuse(lambda target: access_saved_card(make_other_payer(world), target), card.id, caplog)
    refuse(lambda target: access_saved_card(make_world("Hillside").viewer, target), card.id, caplog)


def test_a_removed_card_is_gone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    card = make_card(world)
    card.removed_at = clock.now()
    card.save()
    refuse(lambda target: access_saved_card(world.viewer, target), card.id, caplog)
