"""Refunds above the practice's amount: nothing is sent before a second person's word, and once after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from paywell.accounts.models import Role
from paywell.accounts.tests.factories import make_user
from paywell.accounts.types import StaffViewer
from paywell.billing.models import BillingRules
from paywell.core import clock
from paywell.core.errors import NotAllowed, NotFoundForViewer, UserError
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.payments.actions import refund_payment, start_payment
from paywell.payments.approvals import access_request, decide_request, list_open_requests, request_refund
from paywell.payments.models import Attempt, Refund, RefundRequest
from paywell.payments.tests.factories import World, make_form, make_line, make_world
from paywell.payments.tests.fake_processor import FakeProcessor


@pytest.fixture
def paid(world: World, processor: FakeProcessor) -> Attempt:
    BillingRules.objects.create(practice=world.practice, approve_refunds_above_minor=5_000)
    return start_payment(viewer=world.viewer, form=make_form(make_line(world)))


def ask(world: World, paid: Attempt, minor: int = 6_000) -> RefundRequest:
    return request_refund(
        viewer=world.staff, attempt=paid, amount=Money(minor), reason="Canceled", request_id=new_id()
    )


def second(world: World) -> StaffViewer:
    return StaffViewer(make_user().id, world.practice, Role.BILLER)


def send(viewer: StaffViewer, wanted: RefundRequest) -> Refund:
    return refund_payment(
        viewer=viewer, attempt=wanted.attempt, amount=Money(wanted.amount_minor), reason=wanted.reason,
        refund_id=wanted.id,
    )  # fmt: skip


def refused(code: str, processor: FakeProcessor, act: object) -> None:
    before = Refund.objects.count()
    with pytest.raises(UserError) as caught:
        act()  # type: ignore[operator]
    assert caught.value.code == code
    assert Refund.objects.count() == before
    assert processor.calls.count("refund") == before


def test_up_to_the_amount_one_person_suffices(world: World, paid: Attempt, processor: FakeProcessor) -> None:
    refund_payment(viewer=world.staff, attempt=paid, amount=Money(5_000), reason="x")
    assert Refund.objects.count() == 1


def test_above_it_nothing_is_sent_before_another_person_approves(
    world: World, paid: Attempt, processor: FakeProcessor
) -> None:
    wanted = ask(world, paid)
    refused("needs_approval", processor, lambda: send(world.staff, wanted))
    refused("own_request", processor, lambda: decide_request(viewer=world.staff, request=wanted, is_approved=True))
    other = second(world)
    decide_request(viewer=other, request=wanted, is_approved=True)
    assert send(other, wanted).id == wanted.id
    assert send(other, wanted).id == wanted.id
    assert processor.calls.count("refund") == 1
    assert list(list_open_requests(other)) == []


def test_parts_of_one_payment_count_together(world: World, paid: Attempt, processor: FakeProcessor) -> None:
    refund_payment(viewer=world.staff, attempt=paid, amount=Money(3_000), reason="x")
    refused(
        "needs_approval", processor,
        lambda: refund_payment(viewer=world.staff, attempt=paid, amount=Money(2_001), reason="x"),
    )  # fmt: skip


def test_an_approval_is_for_its_own_amount_alone(world: World, paid: Attempt, processor: FakeProcessor) -> None:
    wanted = ask(world, paid)
    decide_request(viewer=second(world), request=wanted, is_approved=True)
    refused(
        "needs_approval", processor,
        lambda: refund_payment(
            viewer=world.staff, attempt=paid, amount=Money(7_000), reason="x", refund_id=wanted.id
        ),
    )  # fmt: skip


def test_a_declined_request_stays_declined(world: World, paid: Attempt, processor: FakeProcessor) -> None:
    wanted, other = ask(world, paid), second(world)
    decide_request(viewer=other, request=wanted, is_approved=False)
    refused("request_over", processor, lambda: decide_request(viewer=other, request=wanted, is_approved=True))
    refused("needs_approval", processor, lambda: send(other, wanted))
    assert list(list_open_requests(other)) == []


def test_after_a_week_nobody_s_word_counts(world: World, paid: Attempt, processor: FakeProcessor) -> None:
    wanted, approved, other = ask(world, paid), ask(world, paid, 6_001), second(world)
    decide_request(viewer=other, request=approved, is_approved=True)
    assert len(list_open_requests(other)) == 2
    with clock.set_to(clock.now() + timedelta(days=8)):
        refused("request_over", processor, lambda: decide_request(viewer=other, request=wanted, is_approved=True))
        refused("needs_approval", processor, lambda: send(other, approved))
        assert list(list_open_requests(other)) == []


def test_the_same_form_asks_once(world: World, paid: Attempt, processor: FakeProcessor) -> None:
    request_id = new_id()
    for _ in range(2):
        request_refund(viewer=world.staff, attempt=paid, amount=Money(6_000), reason="x", request_id=request_id)
    assert RefundRequest.objects.count() == 1
    refused(
        "refund_above_captured", processor, lambda: ask(world, paid, 12_001),
    )  # fmt: skip


def test_who_may_not_refund_neither_asks_nor_decides(world: World, paid: Attempt, processor: FakeProcessor) -> None:
    wanted = ask(world, paid)
    desk = replace(second(world), role=Role.FRONT_DESK)
    with pytest.raises(NotAllowed):
        request_refund(viewer=desk, attempt=paid, amount=Money(1), reason="x", request_id=new_id())
    with pytest.raises(NotAllowed):
        decide_request(viewer=desk, request=wanted, is_approved=True)
    for stranger in (desk, make_world("Elsewhere").staff):
        with pytest.raises(NotFoundForViewer):
            access_request(stranger, wanted.id)


def test_credit_that_was_used_is_not_given_back_a_second_time(world: World, processor: FakeProcessor) -> None:
    """A payment that left credit: its credit goes back to the card only while it is there."""
    from paywell.billing.entries import EntryForm, make_entry, reverse_entry
    from paywell.billing.models import EntryKind
    from paywell.payments.models import AttemptLine

    line = make_line(world)
    paid = start_payment(viewer=world.viewer, form=make_form(line))
    assert AttemptLine.objects.filter(attempt=paid).count() == 1
    # The same line is paid by check while the card is charged: the card's money becomes credit.
    from paywell.payments import booking

    assert booking.get_part_from_credit(paid, 12_000) == 0
    other = make_line(world)
    processor.behavior = "late"
    late = start_payment(viewer=world.viewer, form=make_form(other))
    from paywell.clients.models import BillingAccount
    from paywell.core.db import lock, phase
    from paywell.ledger.actions import Line, Posting, Side, post
    from paywell.ledger.models import AccountKind

    with phase():
        lock(BillingAccount.objects.filter(pk=world.account.pk)).get()
        post(
            practice_id=world.practice.id, book_owner_id=world.account.id, source="entry:elsewhere",
            postings=[Posting(Side(AccountKind.CASH, world.practice.id),
                              Side(AccountKind.RECEIVABLE, world.account.id), Money(12_000), Line(other.id))],
            actor_id=None,
        )  # fmt: skip
    processor.finish(late.reference)
    from paywell.payments.reconcile import reconcile_attempt

    reconcile_attempt(late.id)
    late.refresh_from_db()
    assert booking.get_part_from_credit(late, 5_000) == 5_000
    third = make_line(world)
    used = make_entry(
        viewer=world.staff, account=world.account,
        form=EntryForm(entry_id=new_id(), kind=EntryKind.CREDIT_USED, amount=Money(12_000), reason="x",
                       line_ids=(third.id,)),
    )  # fmt: skip
    refused(
        "credit_is_used", processor,
        lambda: refund_payment(viewer=world.staff, attempt=late, amount=Money(1), reason="x"),
    )  # fmt: skip
    reverse_entry(viewer=world.staff, entry=used, reason="Taken back")
    assert refund_payment(viewer=world.staff, attempt=late, amount=Money(12_000), reason="x").state == "done"
