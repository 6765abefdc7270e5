"""Pay links: who makes, sends and revokes them, and what somebody who only knows an address can ask for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from paywell.accounts.models import Role
from paywell.clients.models import Client, Contact, Grant
from paywell.core import clock
from paywell.core.errors import NotAllowed, NotFoundForViewer, UserError
from paywell.core.money import Money
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.actions import Line, Posting, Side, post
from paywell.ledger.models import AccountKind
from paywell.outbox.models import OutboxEvent
from paywell.payments.models import PayLink
from paywell.payments.pay_links import (
    access_pay_link,
    access_staff_link,
    answer_request,
    get_url,
    list_pay_links,
    list_recipients,
    make_pay_link,
    make_token,
    revoke_pay_link,
    send_pay_link,
)
from paywell.payments.tests.factories import World, make_line, make_world

SENT = "payments.pay_links_sent"


@pytest.fixture
def world(transactional_db: None) -> World:
    return make_world()


def pay_off(world: World, line: InvoiceLine) -> None:
    with transaction.atomic():
        post(
            practice_id=world.practice.id,
            book_owner_id=world.account.id,
            source="payment:1",
            postings=[
                Posting(
                    Side(AccountKind.CLEARING, world.processor_account.id),
                    Side(AccountKind.RECEIVABLE, world.account.id),
                    Money(line.amount_minor),
                    Line(line.id),
                )
            ],
            actor_id=None,
        )


def events() -> list[dict[str, Any]]:
    return list(OutboxEvent.objects.filter(kind=SENT).values_list("payload", flat=True))


def test_a_link_lives_as_long_as_the_practice_says(world: World) -> None:
    world.practice.pay_link_days = 7
    link = make_pay_link(viewer=world.staff, invoice=make_line(world).invoice)
    assert link.expires_at - link.made_at == timedelta(days=7)
    assert get_url(link).endswith(f"/pay/{make_token(link)}/")
    assert access_pay_link(make_token(link)).line_ids == {link.invoice.lines.get().id}


def test_making_it_again_gives_the_link_that_is_open(world: World) -> None:
    invoice = make_line(world).invoice
    first = make_pay_link(viewer=world.staff, invoice=invoice)
    assert make_pay_link(viewer=world.staff, invoice=invoice) == first
    revoke_pay_link(viewer=world.staff, link=first)
    assert make_pay_link(viewer=world.staff, invoice=invoice) != first


def test_no_link_is_made_for_a_void_invoice(world: World) -> None:
    invoice = make_line(world).invoice
    invoice.voided_at = clock.now()
    invoice.save(update_fields=["voided_at"])
    with pytest.raises(UserError) as refused:
        make_pay_link(viewer=world.staff, invoice=invoice)
    assert (refused.value.code, PayLink.objects.count()) == ("voided", 0)


@pytest.mark.parametrize("role", [Role.READ_ONLY, Role.CLINICIAN])
def test_who_may_take_no_payments_makes_revokes_and_sends_no_link(world: World, role: Role) -> None:
    invoice = make_line(world).invoice
    link = make_pay_link(viewer=world.staff, invoice=invoice)
    viewer = replace(world.staff, role=role)
    for act in (
        lambda: make_pay_link(viewer=viewer, invoice=invoice),
        lambda: revoke_pay_link(viewer=viewer, link=link),
        lambda: send_pay_link(viewer=viewer, link=link, contact=world.contact),
    ):
        with pytest.raises(NotAllowed):
            act()
    link.refresh_from_db()
    assert (link.revoked_at, PayLink.objects.count(), events()) == (None, 1, [])


def test_another_practice_sees_no_link(world: World) -> None:
    link = make_pay_link(viewer=world.staff, invoice=make_line(world).invoice)
    other = make_world("Elsewhere").staff
    assert list(list_pay_links(other)) == []
    for act in (
        lambda: access_staff_link(other, link.id),
        lambda: revoke_pay_link(viewer=other, link=link),
        lambda: send_pay_link(viewer=other, link=link, contact=world.contact),
    ):
        with pytest.raises(NotFoundForViewer):
            act()


def test_a_revoked_and_an_expired_link_leave_the_list_of_open_ones(world: World) -> None:
    open_, revoked, expired = (
        make_pay_link(viewer=world.staff, invoice=make_line(world).invoice) for _ in range(3)
    )
    revoke_pay_link(viewer=world.staff, link=revoked)
    now = clock.now()
    PayLink.objects.filter(pk=expired.pk).update(
        made_at=now - timedelta(days=2), expires_at=now - timedelta(days=1)
    )
    assert list(list_pay_links(world.staff)) == [open_]


def test_a_link_is_sent_only_to_who_may_pay_and_wants_e_mail(world: World) -> None:
    link = make_pay_link(viewer=world.staff, invoice=make_line(world).invoice)
    stranger = Contact.objects.create(
        practice=world.practice, name="Sol", email="sol@example.org", created_at=clock.now()
    )
    assert list_recipients(link.invoice) == [world.contact]
    with pytest.raises(NotFoundForViewer):
        send_pay_link(viewer=world.staff, link=link, contact=stranger)
    Client.objects.update(wants_no_email=True)
    assert list_recipients(link.invoice) == []
    with pytest.raises(NotFoundForViewer):
        send_pay_link(viewer=world.staff, link=link, contact=world.contact)
    assert events() == []


def test_sending_twice_within_a_minute_is_one_e_mail(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.now().replace(second=10)
    monkeypatch.setattr(clock, "now", lambda: now)
    link = make_pay_link(viewer=world.staff, invoice=make_line(world).invoice)
    send_pay_link(viewer=world.staff, link=link, contact=world.contact)
    send_pay_link(viewer=world.staff, link=link, contact=world.contact)
    assert events() == [{"contact_id": str(world.contact.id), "link_ids": str(link.id)}]


def test_whoever_asks_by_an_address_is_sent_links_to_what_they_may_pay(world: World) -> None:
    mine = make_line(world).invoice
    assert answer_request(world.user.email.upper()) == 1
    assert [link.invoice for link in PayLink.objects.all()] == [mine]
    assert events() == [{"contact_id": str(world.contact.id), "link_ids": str(PayLink.objects.get().id)}]
    assert PayLink.objects.get().made_by is None


@pytest.mark.parametrize("why", ["stranger", "no right", "ended", "switch", "paid", "no e-mail", "practice"])
def test_whoever_may_pay_nothing_is_sent_nothing(world: World, why: str) -> None:
    line = make_line(world)
    if why == "paid":
        pay_off(world, line)
    email = "nobody@example.org" if why == "stranger" else world.user.email
    if why == "no right":
        Grant.objects.update(may_pay=False)
    if why == "ended":
        Grant.objects.update(withdrawn_at=clock.now())
    if why == "switch":
        Client.objects.update(payments_allowed=False)
    if why == "no e-mail":
        Client.objects.update(wants_no_email=True)
    if why == "practice":
        world.practice.payments_allowed = False
        world.practice.save()
    assert (answer_request(email), PayLink.objects.count(), events()) == (0, 0, [])


def test_asking_again_within_the_hour_sends_no_second_e_mail(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.now().replace(minute=10)
    monkeypatch.setattr(clock, "now", lambda: now)
    make_line(world)
    answer_request(world.user.email)
    answer_request(world.user.email)
    assert (len(events()), PayLink.objects.count()) == (1, 1)
