"""E-mails about agreements and questions say that something waits, once, to those it concerns, and nothing more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail

from paywell.accounts.models import Role
from paywell.accounts.tests.factories import make_staff
from paywell.agreements.automatic import announce_due
from paywell.agreements.charging import get_agreement
from paywell.agreements.models import Agreement, AgreementKind, Charge
from paywell.agreements.plans import offer_plan
from paywell.agreements.tests.factories import DUE_DAY, MORNING, agree, payer
from paywell.billing.entries import make_entry
from paywell.billing.models import EntryKind
from paywell.billing.questions import answer_question, ask_question
from paywell.billing.tests.factories import form
from paywell.clients.models import Grant
from paywell.core import clock
from paywell.notifications.agreed import HANDLERS
from paywell.outbox.delivery import deliver_due
from paywell.outbox.models import OutboxEvent
from paywell.payments import processor_accounts
from paywell.payments.tests.factories import World, make_line, make_world
from paywell.payments.tests.fake_processor import FakeProcessor


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(processor_accounts, "make_processor", lambda account: FakeProcessor())
    world = make_world()
    make_staff(world.practice, Role.BILLER)
    return world


def cause(world: World, kind: str) -> None:
    """Make the thing happen of which that kind tells."""
    with clock.set_to(MORNING):
        if kind.startswith("agreements.charge"):
            agree(world, AgreementKind.AUTOPAY)
            make_line(world, on=DUE_DAY)
            announce_due()
            if not kind.endswith("ahead"):
                charge = Charge.objects.get()
                charge.agreement = get_agreement(charge.agreement_id)
                from paywell.agreements.charging import _finish
                from paywell.agreements.models import ChargeState

                state = ChargeState.FAILED if kind.endswith("failed") else ChargeState.SKIPPED
                _finish(charge, state, "The bank declined it.")
        elif kind == "agreements.plan_offered":
            offer_plan(
                viewer=world.staff, account=world.account, line_ids=[make_line(world).id], count=2,
                first_on=DUE_DAY + timedelta(days=3), every="week",
            )  # fmt: skip
        elif kind == "billing.payment_recorded":
            make_entry(viewer=world.staff, account=world.account, form=form(EntryKind.PAYMENT, 12_345))
        else:
            question = ask_question(viewer=payer(world), line_id=make_line(world).id, text="Why so much anxiety?")
            if kind.endswith("answered"):
                answer_question(viewer=world.staff, question=question, answer="Because of the anxiety.")


@pytest.mark.parametrize("kind", HANDLERS)
def test_each_tells_once_and_nothing_that_is_anybody_else_s_business(world: World, kind: str) -> None:
    cause(world, kind)
    OutboxEvent.objects.exclude(kind=kind).delete()
    mail.outbox.clear()
    for _ in range(2):
        OutboxEvent.objects.update(delivered_at=None, next_try_at=MORNING)
        deliver_due()
    assert mail.outbox, kind
    assert len({(message.to[0], message.subject) for message in mail.outbox}) == len(mail.outbox)
    for message in mail.outbox:
        text = f"{message.subject} {message.body}"
        for secret in ("120.00", "123.45", "Mia", "Session", "anxiety", "4242", "Nov"):
            assert secret not in text


def test_the_payer_hears_of_tomorrow_s_charge(world: World) -> None:
    cause(world, "agreements.charge_ahead")
    OutboxEvent.objects.update(next_try_at=MORNING)
    deliver_due()
    ahead = [message for message in mail.outbox if "tomorrow" in message.subject]
    assert [message.to for message in ahead] == [[world.user.email]]
    assert "on hold" in ahead[0].body


def skip(world: World) -> None:
    cause(world, "agreements.charge_skipped")
    OutboxEvent.objects.exclude(kind="agreements.charge_skipped").delete()
    mail.outbox.clear()


def hear(world: World) -> list[list[str]]:
    OutboxEvent.objects.update(next_try_at=MORNING)
    deliver_due()
    return [message.to for message in mail.outbox]


def test_the_payer_hears_that_an_announced_charge_was_left_out(world: World) -> None:
    skip(world)
    assert hear(world) == [[world.user.email]]
    assert "Nothing was taken." in mail.outbox[0].body


def test_whoever_stopped_it_hears_nothing_of_their_own_doing(world: World) -> None:
    skip(world)
    Agreement.objects.update(held_at=MORNING, held_by=world.user)
    assert hear(world) == []


def test_what_staff_put_on_hold_is_told(world: World) -> None:
    skip(world)
    Agreement.objects.update(held_at=MORNING, held_by=world.staff.id)
    assert hear(world) == [[world.user.email]]


def test_whoever_has_no_access_any_more_hears_nothing(world: World) -> None:
    skip(world)
    Grant.objects.update(withdrawn_at=MORNING)
    assert hear(world) == []


def test_what_was_caught_up_meanwhile_is_not_told(world: World) -> None:
    skip(world)
    Charge.objects.update(state="planned", closed_at=None)
    assert hear(world) == []


def test_a_plan_is_told_as_a_plan_and_not_as_a_document(world: World) -> None:
    cause(world, "agreements.plan_offered")
    mail.outbox.clear()
    with clock.set_to(MORNING + timedelta(minutes=1)):
        deliver_due()
    [said] = [each for each in mail.outbox if "plan" in each.subject]
    assert said.subject == f"{world.practice.name}: a payment plan is offered to you"
    assert "$" not in said.body
