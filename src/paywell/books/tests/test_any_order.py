"""Whatever is done to an account, in whatever order: ledger, story, lists and the laws of the books agree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paywell.agreements.agree import make_agreement
from paywell.agreements.charging import charge_saved_card, get_agreement
from paywell.agreements.models import AgreementKind
from paywell.agreements.tests.factories import make_card, payer
from paywell.billing.entries import EntryForm, get_credit, make_entry, reverse_entry
from paywell.billing.models import OF_INSURER, WITH_METHOD, Entry, EntryKind, Method
from paywell.books.check import check_books
from paywell.core import clock
from paywell.core.errors import UserError
from paywell.core.ids import new_id, new_key
from paywell.core.money import Money
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.models import AccountKind, LineBalance, Transfer
from paywell.ledger.queries import get_account_balance, get_line_balances, get_listed_balance
from paywell.payments.actions import refund_payment, start_payment
from paywell.payments.models import Attempt, AttemptState
from paywell.payments.story import tell_account, tell_lines
from paywell.payments.tests.factories import World, make_form, make_line, make_world
from paywell.payments.tests.fake_processor import FakeProcessor

#: What is done, on which line, and how much of what is possible (in percent, above 100 is refused).
ACTS = ["invoice", "pay", "refund", "charge", "reverse", *EntryKind.values]
STEPS = st.lists(
    st.tuples(st.sampled_from(ACTS), st.integers(0, 3), st.sampled_from([1, 30, 100, 130])), min_size=4, max_size=14
)


def do(world: World, act: str, number: int, percent: int) -> None:
    lines = list(InvoiceLine.objects.filter(practice=world.practice).order_by("on", "id"))
    line = lines[number % len(lines)]
    owed = get_line_balances(practice_id=world.practice.id, line_ids=[line.id])[line.id]
    amount = Money(max(owed * percent // 100, 1))
    if act == "invoice":
        make_line(world, 9_000 + number)
    elif act == "pay":
        start_payment(viewer=world.viewer, form=make_form(line, amount=amount))
    elif act == "refund":
        paid = list(Attempt.objects.filter(practice=world.practice, state=AttemptState.SUCCEEDED).order_by("id"))
        if paid:
            attempt = paid[number % len(paid)]
            back = Money(max(attempt.captured_minor * percent // 100, 1))
            refund_payment(viewer=world.staff, attempt=attempt, amount=back, reason="Canceled")
    elif act == "charge":
        agreement = world.account.agreements.get(ended_at=None)
        charge_saved_card(viewer=world.staff, agreement=get_agreement(agreement.id), amount=amount, key=new_key())
    elif act == "reverse":
        entries = list(Entry.objects.filter(practice=world.practice, reversed_at=None).order_by("id"))
        if entries:
            reverse_entry(viewer=world.staff, entry=entries[number % len(entries)], reason="Taken back")
    else:
        enter(world, EntryKind(act), line, amount, percent)


def enter(world: World, kind: EntryKind, line: InvoiceLine, amount: Money, percent: int) -> None:
    if kind in (EntryKind.CREDIT_USED, EntryKind.CREDIT_OUT):
        amount = Money(max(get_credit(world.account).minor * percent // 100, 1))
    if kind in OF_INSURER:
        amount = Money(max(line.service.insurer_minor * percent // 300, 1))
    form = EntryForm(
        entry_id=new_id(),
        kind=kind,
        amount=amount,
        on=clock.business_date(clock.now(), world.practice.timezone) - timedelta(days=17 * (percent % 4)),
        line_ids=() if kind is EntryKind.PAYMENT and percent == 30 else (line.id,),
        method=Method.CASH if kind in WITH_METHOD else None,
        reason="Agreed",
        service_id=line.service_id if kind in OF_INSURER else None,
    )
    make_entry(viewer=world.staff, account=world.account, form=form)


def agree_everywhere(world: World) -> None:
    """Every way to ask for a balance gives the same one, and no law of the books is broken."""
    practice_id = world.practice.id
    lines = list(InvoiceLine.objects.filter(practice=world.practice).select_related("service", "invoice"))
    sums = get_line_balances(practice_id=practice_id, line_ids=[line.id for line in lines])
    listed = dict(LineBalance.objects.filter(practice_id=practice_id).values_list("line_id", "balance_minor"))
    stories = {story.line.id: story for story in tell_lines(practice_id, lines)}
    assert sums == listed == {line_id: story.balance.minor for line_id, story in stories.items()}
    for story in stories.values():
        assert story.fee - story.insurer - story.others == story.share
        assert story.share + sum((step.owed for step in story.steps), Money(0)) == story.balance
        assert story.balance.minor >= 0
    steps = tell_account(
        practice_id, Transfer.objects.filter(practice_id=practice_id).select_related("debit", "credit")
    )
    for kind, told in (
        (AccountKind.RECEIVABLE, sum(step.owed.minor for step in steps)),
        (AccountKind.CLIENT_CREDIT, -sum(step.credit.minor for step in steps)),
    ):
        of: Any = {"practice_id": practice_id, "kind": kind, "owner_id": world.account.id, "currency": "USD"}
        assert told == get_account_balance(**of) == get_listed_balance(**of)
    assert sum(sums.values()) == sum(step.owed.minor for step in steps)
    assert [each for each in check_books(practice_id).offences if not each.is_queue] == []


@pytest.fixture
def begin(db: None, processor: FakeProcessor) -> Callable[[], World]:
    def make() -> World:
        world = make_world()
        line = make_line(world)
        type(line.service).objects.filter(pk=line.service_id).update(fee_minor=20_000, insurer_minor=8_000)
        make_agreement(
            viewer=payer(world), kind=AgreementKind.STAFF, card_id=make_card(world, token=new_key()).id,
            charge_limit=Money(10_000_000), is_agreed=True,
        )  # fmt: skip
        return world

    return make


@settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_after_any_acts_in_any_order_everything_agrees(begin: Callable[[], World], steps: list[Any]) -> None:
    world = begin()
    for act, number, percent in steps:
        before = Transfer.objects.count()
        try:
            do(world, act, number, percent)
        except UserError:
            assert Transfer.objects.count() == before, f"{act} was refused and left something behind"
    agree_everywhere(world)
