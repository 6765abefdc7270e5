"""E-mails about agreements and questions say that something waits, once, to those it concerns, and nothing more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail

from paywell.accounts.models import Role
from paywell.accounts.tests.factories import make_staff
from paywell.agreements.automatic import announce_due
from paywell.agreements.charging import get_agreement
from paywell.agreements.models import AgreementKind, Charge
from paywell.agreements.plans import offer_plan
from paywell.agreements.tests.factories import DUE_DAY, MORNING, agree, payer
from paywell.billing.entries import make_entry
from paywell.billing.models import EntryKind
from paywell.billing.questions import answer_question, ask_question
from paywell.billing.tests.factories import form
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
            if kind.endswith("failed"):
                charge = Charge.objects.get()
                charge.agreement = get_agreement(charge.agreement_id)
                from paywell.agreements.charging import _finish
                from paywell.agreements.models import ChargeState

                _finish(charge, ChargeState.FAILED, "The bank declined it.")
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
