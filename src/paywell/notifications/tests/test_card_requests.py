"""After a change of processor each payer whose card was left behind is written to once, and nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail

from paywell.accounts.models import Role, User
from paywell.accounts.types import StaffViewer
from paywell.audit.models import AuditEvent
from paywell.clients.models import Client, Contact, Grant
from paywell.core import clock
from paywell.core.errors import NotAllowed, UserError
from paywell.core.ids import new_id
from paywell.notifications.card_requests import KIND, Asked, ask_for_cards, list_card_requests
from paywell.notifications.models import Delivery, SkipReason
from paywell.outbox.delivery import deliver_due
from paywell.outbox.models import OutboxEvent
from paywell.payments import processor_accounts
from paywell.payments.models import ProcessorAccount, SavedCard
from paywell.payments.tests.factories import World, make_world

NO_SIGN_IN = "No sign-in, so no address to send to"


def keep_card(world: World, account: ProcessorAccount, contact: Contact) -> SavedCard:
    return SavedCard.objects.create(
        practice=world.practice, processor_account=account, contact=contact, token=f"card_{contact.id}",
        customer_ref="cus_1", brand="visa", last4="4242", created_at=clock.now(),
    )  # fmt: skip


def change_processor(world: World) -> ProcessorAccount:
    return processor_accounts.connect_processor(
        practice=world.practice, connector="test_inline", settings={}, secrets={}, live_mode=False, actor_id=None
    )


def add_payer(world: World, name: str, *, signs_in: bool = True, has_access: bool = True) -> Contact:
    """Another payer of the client, with a card at the present processor."""
    user = User.objects.create_user(f"{new_id().hex[-8:]}@example.org") if signs_in else None
    contact = Contact.objects.create(practice=world.practice, name=name, user=user, created_at=clock.now())
    if has_access:
        held = Grant.objects.filter(contact=world.contact).get()
        held.pk, held.contact = new_id(), contact
        held.save(force_insert=True)
    keep_card(world, world.processor_account, contact)
    return contact


@pytest.fixture
def world(transactional_db: None) -> World:
    """Mia's card stayed at the processor before."""
    world = make_world()
    keep_card(world, world.processor_account, world.contact)
    return world


def deliver() -> list[tuple[list[str], str]]:
    mail.outbox.clear()
    deliver_due()
    return [(message.to, message.subject) for message in mail.outbox]


def test_each_is_written_to_once_however_often_staff_ask(world: World) -> None:
    change_processor(world)
    assert ask_for_cards(viewer=world.staff, contact_ids=[world.contact.id]) == Asked(1, 0, ())
    for chosen in (None, [world.contact.id]):
        assert ask_for_cards(viewer=world.staff, contact_ids=chosen) == Asked(0, 1, ())
    assert deliver() == [([world.user.email], "Riverside: please add a card again")]
    assert "add a card again" in mail.outbox[0].body
    for secret in ("Mia", "4242", "$", "visa"):
        assert secret not in mail.outbox[0].body
    assert deliver() == []
    (row,) = list_card_requests(world.staff).rows
    assert (row.may_ask, row.sent_at, row.why_unsent) == (False, Delivery.objects.get().sent_at, "")
    assert row.sent_at is not None
    event = AuditEvent.objects.get(action="notifications.ask_for_card")
    assert (event.target_id, event.actor_id, event.detail) == (world.contact.id, world.staff.id, {})


def test_another_change_of_processor_is_another_list(world: World) -> None:
    second = change_processor(world)
    ask_for_cards(viewer=world.staff, contact_ids=None)
    keep_card(world, second, world.contact)
    change_processor(world)
    assert ask_for_cards(viewer=world.staff, contact_ids=None) == Asked(1, 0, ())


def test_who_can_t_be_told_is_named_with_the_reason(world: World) -> None:
    add_payer(world, "Ann", signs_in=False)
    add_payer(world, "Ben", has_access=False)
    change_processor(world)
    asked = ask_for_cards(viewer=world.staff, contact_ids=None)
    assert asked == Asked(1, 0, (("Ann", NO_SIGN_IN), ("Ben", "No access to an account today")))
    assert [(row.row.contact.name, row.may_ask) for row in list_card_requests(world.staff).rows] == [
        ("Ann", False), ("Ben", False), ("Mia Stone", False),
    ]  # fmt: skip
    assert OutboxEvent.objects.filter(kind=KIND).count() == 1


def test_a_client_who_wants_no_e_mail_is_left_alone_also_between_asking_and_sending(world: World) -> None:
    late = add_payer(world, "Zoe")
    change_processor(world)
    Client.objects.update(wants_no_email=True)
    asked = ask_for_cards(viewer=world.staff, contact_ids=[world.contact.id])
    assert asked == Asked(0, 0, (("Mia Stone", "The client wants no e-mail"),))
    Client.objects.update(wants_no_email=False)
    assert ask_for_cards(viewer=world.staff, contact_ids=[late.id]).count == 1
    Client.objects.update(wants_no_email=True)
    assert deliver() == []
    assert Delivery.objects.get().skip_reason == SkipReason.NO_EMAIL_WANTED
    assert [row.why_unsent for row in list_card_requests(world.staff).rows] == ["", "The client wants no e-mail"]


def test_whoever_added_a_card_meanwhile_hears_nothing(world: World) -> None:
    second = change_processor(world)
    ask_for_cards(viewer=world.staff, contact_ids=None)
    keep_card(world, second, world.contact)
    assert deliver() == []
    assert list_card_requests(world.staff).rows == ()


def test_access_that_has_ended_or_begins_tomorrow_is_none(world: World) -> None:
    change_processor(world)
    tomorrow = clock.now().date() + timedelta(days=2)
    for change in ({"withdrawn_at": clock.now()}, {"valid_from": tomorrow}, {"may_pay": False}):
        before = Grant.objects.values(*change).get()
        Grant.objects.update(**change)
        (row,) = list_card_requests(world.staff).rows
        assert row.why_not == "No access to an account today", change
        Grant.objects.update(**before)


def test_without_a_processor_nobody_is_asked_for_a_card(world: World) -> None:
    change_processor(world)
    processor_accounts.disconnect_processor(practice=world.practice, actor_id=None)
    with pytest.raises(UserError) as caught:
        ask_for_cards(viewer=world.staff, contact_ids=None)
    assert caught.value.code == "no_processor"
    assert not OutboxEvent.objects.filter(kind=KIND).exists()


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.FRONT_DESK, Role.READ_ONLY])
def test_a_role_that_may_not_edit_clients_asks_nobody(world: World, role: Role) -> None:
    change_processor(world)
    with pytest.raises(NotAllowed):
        ask_for_cards(viewer=StaffViewer(world.staff.id, world.practice, role), contact_ids=None)
    assert not OutboxEvent.objects.filter(kind=KIND).exists()


def test_another_practice_s_staff_asks_nobody_of_this_one(world: World) -> None:
    change_processor(world)
    elsewhere = make_world("Elsewhere")
    assert ask_for_cards(viewer=elsewhere.staff, contact_ids=[world.contact.id]) == Asked(0, 0, ())
    assert list_card_requests(elsewhere.staff).rows == ()
    assert not OutboxEvent.objects.filter(kind=KIND).exists()
