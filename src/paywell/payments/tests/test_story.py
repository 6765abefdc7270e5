"""Why something is owed: the steps add up to the balance, and say what the viewer may know."""

from __future__ import annotations

from paywell.billing.entries import EntryForm, make_entry, reverse_entry
from paywell.billing.models import EntryKind, Method
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.ledger.models import Transfer
from paywell.payments.actions import refund_payment, start_payment
from paywell.payments.models import Attempt
from paywell.payments.story import tell_account, tell_lines
from paywell.payments.tests.factories import World, make_form, make_line
from paywell.payments.tests.fake_processor import FakeProcessor


def enter(world: World, kind: EntryKind, minor: int, line_id: object, **values: object) -> object:
    form = EntryForm(
        entry_id=new_id(), kind=kind, amount=Money(minor), line_ids=(line_id,), reason="Agreed by phone", **values
    )  # type: ignore[arg-type]
    return make_entry(viewer=world.staff, account=world.account, form=form)


def test_the_story_goes_from_the_fee_to_the_balance(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    type(line.service).objects.filter(pk=line.service_id).update(fee_minor=20_000, insurer_minor=8_000)
    line.service.refresh_from_db()
    paid = start_payment(viewer=world.viewer, form=make_form(line, amount=Money(5_000)))
    refund_payment(viewer=world.staff, attempt=paid, amount=Money(1_000), reason="Too much")
    enter(world, EntryKind.PAYMENT, 2_000, line.id, method=Method.CHECK, reference="1042")
    undone = enter(world, EntryKind.ADJUSTMENT, 500, line.id)
    reverse_entry(viewer=world.staff, entry=undone, reason="Wrong line")  # type: ignore[arg-type]
    story = tell_lines(world.practice.id, [line])[0]
    assert (story.fee.minor, story.insurer.minor, story.others.minor, story.share.minor) == (
        20_000,
        8_000,
        0,
        12_000,
    )
    assert [(str(step.what), step.detail, step.owed.minor) for step in story.steps] == [
        ("Paid by card", "Visa 4242", -5_000),
        ("Refunded to the card", "Visa 4242, Too much", 1_000),
        ("Paid", "check 1042, Agreed by phone", -2_000),
        ("Adjustment", "Agreed by phone", -500),
        ("Taken back", "Adjustment. Wrong line", 500),
    ]
    assert story.balance.minor == 12_000 - 5_000 + 1_000 - 2_000
    assert story.share + sum((step.owed for step in story.steps), Money(0)) == story.balance


def test_a_card_is_named_as_everywhere_else(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    paid = start_payment(viewer=world.viewer, form=make_form(line))
    Attempt.objects.filter(pk=paid.pk).update(card_brand="american_express", card_last4="0005")
    assert tell_lines(world.practice.id, [line])[0].steps[0].detail == "American Express 0005"


def test_another_payer_s_card_is_not_named(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    start_payment(viewer=world.viewer, form=make_form(line))
    assert tell_lines(world.practice.id, [line], card_of=world.contact.id)[0].steps[0].detail == "Visa 4242"
    assert tell_lines(world.practice.id, [line], card_of=new_id())[0].steps[0].detail == ""


def test_an_account_s_steps_tell_debt_and_credit_apart(world: World) -> None:
    line = make_line(world)
    enter(world, EntryKind.PAYMENT, 15_000, line.id, method=Method.CASH)
    steps = tell_account(world.practice.id, Transfer.objects.select_related("debit", "credit").order_by("seq"))
    assert [(step.owed.minor, step.credit.minor) for step in steps] == [(12_000, 0), (-12_000, 3_000)]
