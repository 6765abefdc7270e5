from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from paywell.accounts.models import Role
from paywell.audit.models import AuditEvent
from paywell.clients.types import PortalViewer
from paywell.core.errors import NotAllowed, UserError
from paywell.payments.availability import allow_payments, get_availability
from paywell.payments.processor_accounts import disconnect_processor
from paywell.payments.tests.factories import World, make_viewer
from paywell.payments.types import Availability, Closed
from paywell.practice.models import Practice
from paywell.processors.contract import Style


def switch(world: World, allowed: bool) -> None:
    Practice.objects.filter(pk=world.practice.pk).update(payments_allowed=allowed)
    world.practice.refresh_from_db()


def test_all_three_switches_on_opens_payment_in_the_processor_s_style(world: World) -> None:
    assert get_availability(world.viewer) == Availability(None, Style.INLINE, world.processor_account.id)


def test_no_processor_closes_payment(world: World) -> None:
    disconnect_processor(practice=world.practice, actor_id=None)
    assert get_availability(world.viewer) == Availability(Closed.NO_PROCESSOR)


def test_the_organization_s_switch_closes_payment(world: World) -> None:
    switch(world, False)
    assert get_availability(world.viewer) == Availability(Closed.PRACTICE_SWITCH)


def test_the_client_s_switch_closes_payment(world: World) -> None:
    assert get_availability(make_viewer(world, payments_allowed=False)) == Availability(Closed.CLIENT_SWITCH)


def test_a_contact_without_the_right_to_pay_can_t_pay(world: World) -> None:
    assert get_availability(make_viewer(world, may_pay=False)) == Availability(Closed.NO_RIGHT)


def test_one_client_who_can_be_paid_for_opens_the_page(world: World) -> None:
    viewer = world.viewer
    (right,) = viewer.rights
    both: PortalViewer = replace(viewer, rights=(replace(right, may_pay=False), right))
    assert get_availability(both).closed is None


def test_it_takes_one_query_and_no_connection(world: World) -> None:
    world.processor_account.settings = {}  # making the connector would fail
    world.processor_account.save()
    viewer = world.viewer
    with CaptureQueriesContext(connection) as captured:
        get_availability(viewer)
    assert len(captured) == 1


def test_the_owner_turns_payments_on_and_off_and_it_is_audited(world: World) -> None:
    for allowed in (False, True):
        assert allow_payments(world.staff, allowed).payments_allowed is allowed
        assert Practice.objects.get(pk=world.practice.pk).payments_allowed is allowed
    events = AuditEvent.objects.filter(practice_id=world.practice.id, actor_id=world.staff.id)
    assert events.count() == 2


def test_payments_can_t_be_turned_on_before_a_processor_is_connected(world: World) -> None:
    switch(world, False)
    disconnect_processor(practice=world.practice, actor_id=None)
    with pytest.raises(UserError) as refusal:
        allow_payments(world.staff, True)
    assert refusal.value.code == "no_processor"
    assert Practice.objects.get(pk=world.practice.pk).payments_allowed is False


def test_payments_can_be_turned_off_without_a_processor(world: World) -> None:
    disconnect_processor(practice=world.practice, actor_id=None)
    assert allow_payments(world.staff, False).payments_allowed is False


@pytest.mark.parametrize("role", [Role.BILLER, Role.CLINICIAN, Role.FRONT_DESK, Role.READ_ONLY])
def test_only_who_may_change_settings_can_turn_the_switch(world: World, role: Role) -> None:
    with pytest.raises(NotAllowed):
        allow_payments(replace(world.staff, role=role), False)
    assert Practice.objects.get(pk=world.practice.pk).payments_allowed is True
