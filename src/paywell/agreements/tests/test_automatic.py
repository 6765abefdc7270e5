"""AutoPay and plans: told the day before, charged on the day, within limits, never what was not agreed to."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from paywell.agreements.agree import accept_plan, end_agreement, hold_agreement
from paywell.agreements.automatic import announce_due, charge_due
from paywell.agreements.models import Agreement, AgreementKind, Charge, ChargeState, Plan
from paywell.agreements.plans import get_day, offer_plan, withdraw_plan
from paywell.agreements.queries import find_covered
from paywell.agreements.tests.factories import MORNING, TODAY, agree, make_card, payer
from paywell.billing.questions import ask_question
from paywell.core import clock
from paywell.core.errors import NotFoundForViewer, UserError
from paywell.core.money import Money
from paywell.ledger.queries import get_line_balances
from paywell.outbox.models import OutboxEvent
from paywell.payments.models import Attempt, Channel, SavedCard
from paywell.payments.tests.factories import World, make_line, make_other_payer
from paywell.payments.tests.fake_processor import FakeProcessor

DUE = TODAY + timedelta(days=1)
AUTO = AgreementKind.AUTOPAY


def announced() -> int:
    return OutboxEvent.objects.filter(kind="agreements.charge_ahead").count()


def day(number: int) -> datetime:
    return MORNING + timedelta(days=number)


def test_autopay_tells_the_day_before_and_charges_on_the_day(world: World, processor: FakeProcessor) -> None:
    with clock.set_to(MORNING):
        agree(world, AUTO)
        line = make_line(world, on=DUE)
        assert (announce_due(), announced()) == (1, 1)
        assert (announce_due(), announced()) == (0, 1)
        assert charge_due() == 0
        planned = Charge.objects.get()
        assert (planned.state, planned.due_on, planned.amount_minor) == (ChargeState.PLANNED, DUE, 12_000)
        assert Attempt.objects.count() == 0
    with clock.set_to(day(1) - timedelta(hours=4)):
        assert charge_due() == 0  # before the hour from which charges are made
    with clock.set_to(day(1)):
        assert charge_due() == 1
        assert Charge.objects.get().state == ChargeState.DONE
        attempt = Attempt.objects.get()
        assert (attempt.channel, attempt.actor_id) == (Channel.AUTOMATIC, None)
        assert get_line_balances(practice_id=world.practice.id, line_ids=[line.id]) == {line.id: 0}
        assert charge_due() == 0


def test_old_balances_are_charged_only_where_the_payer_chose_so(world: World, processor: FakeProcessor) -> None:
    with clock.set_to(day(-1)):
        make_line(world, on=DUE)
    with clock.set_to(MORNING):
        agree(world, AUTO)
        assert announce_due() == 0
        agree(world, AUTO, includes_old=True)
        assert announce_due() == 1


def test_a_service_that_is_not_due_tomorrow_waits(world: World, processor: FakeProcessor) -> None:
    with clock.set_to(MORNING):
        agree(world, AUTO)
        make_line(world, on=DUE + timedelta(days=1))
        assert announce_due() == 0


def test_never_more_than_was_told(world: World, processor: FakeProcessor) -> None:
    """What is invoiced after the notice waits for its own; what was paid meanwhile is not charged."""
    from paywell.payments.actions import start_payment
    from paywell.payments.tests.factories import make_form

    with clock.set_to(MORNING):
        agree(world, AUTO)
        line = make_line(world, on=DUE)
        announce_due()
        later = make_line(world, on=DUE)
        start_payment(viewer=world.viewer, form=make_form(line, amount=Money(5_000)))
    with clock.set_to(day(1)):
        charge_due()
        owed = get_line_balances(practice_id=world.practice.id, line_ids=[line.id, later.id])
        assert owed == {line.id: 0, later.id: 12_000}
        assert sorted(Attempt.objects.values_list("captured_minor", flat=True)) == [5_000, 7_000]


def test_the_limit_leaves_out_what_does_not_fit_and_says_so_once(world: World, processor: FakeProcessor) -> None:
    with clock.set_to(MORNING):
        agree(world, AUTO, limit=12_500)
        make_line(world, 12_000, on=DUE)
        make_line(world, 1_000, on=DUE)
        make_line(world, 13_000, on=DUE)
        announce_due()
        announce_due()
        assert Charge.objects.get(state=ChargeState.PLANNED).amount_minor == 12_000
        skipped = Charge.objects.get(state=ChargeState.SKIPPED)
        assert skipped.amount_minor == 13_000
        assert "limit" in skipped.words


def test_hold_and_question_stop_what_was_announced(world: World, processor: FakeProcessor) -> None:
    with clock.set_to(MORNING):
        agreement = agree(world, AUTO)
        line = make_line(world, on=DUE)
        announce_due()
        ask_question(viewer=payer(world), line_id=line.id, text="Why?")
    with clock.set_to(day(1)):
        charge_due()
        assert Charge.objects.get().words == "The client asked about it. It is charged only once that is answered."
        assert announce_due() == 0
        hold_agreement(viewer=payer(world), agreement=agreement, is_held=True)
        make_line(world, on=DUE)
        assert announce_due() == 0
        assert Attempt.objects.count() == 0


def test_ending_takes_the_planned_charge_with_it(world: World, processor: FakeProcessor) -> None:
    with clock.set_to(MORNING):
        agreement = agree(world, AUTO)
        make_line(world, on=DUE)
        announce_due()
        end_agreement(viewer=payer(world), agreement=agreement)
    with clock.set_to(day(1)):
        assert charge_due() == 0
        assert Charge.objects.get().state == ChargeState.SKIPPED
        assert Attempt.objects.count() == 0


def test_a_decline_is_tried_again_twice_with_notice_and_then_a_person_looks(
    world: World, processor: FakeProcessor
) -> None:
    processor.behavior = "declined"
    with clock.set_to(MORNING):
        agree(world, AUTO)
        make_line(world, on=DUE)
    for number in range(12):
        with clock.set_to(day(number)):
            announce_due()
            charge_due()
    failed = Charge.objects.get()
    assert (failed.state, failed.tries, Attempt.objects.count()) == (ChargeState.FAILED, 3, 3)
    assert announced() == 3
    assert OutboxEvent.objects.filter(kind="agreements.charge_failed").count() == 1


def test_an_expired_card_is_explained_once_a_week(world: World, processor: FakeProcessor) -> None:
    with clock.set_to(MORNING):
        agree(world, AUTO)
        make_line(world, on=DUE)
        SavedCard.objects.update(exp_year=2020)
        announce_due()
        announce_due()
        assert [charge.words for charge in Charge.objects.all()] == ["The card has expired."]


def offer(world: World, count: int = 3, **more: object) -> Plan:
    said = {"line_ids": [line.id for line in more.pop("lines")], "count": count, "first_on": DUE, "every": "month"}  # type: ignore[attr-defined]
    return offer_plan(viewer=world.staff, account=world.account, **(said | more))  # type: ignore[arg-type]


def test_a_plan_is_charged_installment_by_installment(world: World, processor: FakeProcessor) -> None:
    with clock.set_to(MORNING):
        lines = [make_line(world, 10_000), make_line(world, 5_000)]
        plan = offer(world, lines=lines)
        assert [each.amount_minor for each in plan.installments.order_by("number")] == [5_000, 5_000, 5_000]
        accept_plan(viewer=payer(world), plan=plan, card_id=make_card(world).id, is_agreed=True)
    for moment in [day(0), day(1), day(30), day(31), day(60), day(61), day(62)]:
        with clock.set_to(moment):
            announce_due()
            charge_due()
    owed = get_line_balances(practice_id=world.practice.id, line_ids=[line.id for line in lines])
    assert set(owed.values()) == {0}
    assert list(Attempt.objects.values_list("captured_minor", flat=True)) == [5_000, 5_000, 5_000]
    assert announced() == 3


def test_autopay_leaves_alone_what_a_plan_pays_off(world: World, processor: FakeProcessor) -> None:
    with clock.set_to(MORNING):
        agree(world, AUTO)
        line = make_line(world, on=DUE)
        plan = offer(world, lines=[line], first_on=DUE + timedelta(days=20))
        accept_plan(viewer=payer(world), plan=plan, card_id=SavedCard.objects.get().id, is_agreed=True)
        assert announce_due() == 0


def test_a_plan_nobody_agreed_to_charges_nothing_and_can_be_withdrawn(
    world: World, processor: FakeProcessor
) -> None:
    with clock.set_to(MORNING):
        plan = offer(world, lines=[make_line(world)])
        assert announce_due() == 0
        withdraw_plan(viewer=world.staff, plan=plan)
        with pytest.raises(UserError) as caught:
            accept_plan(viewer=payer(world), plan=plan, card_id=make_card(world).id, is_agreed=True)
        assert caught.value.code == "plan_over"
        with pytest.raises(NotFoundForViewer):
            accept_plan(viewer=make_elsewhere(), plan=plan, card_id=None, is_agreed=True)
    assert Agreement.objects.count() == 0


def make_elsewhere():  # type: ignore[no-untyped-def]
    from paywell.payments.tests.factories import make_world

    return make_world("Elsewhere").viewer


@pytest.mark.parametrize(
    "said",
    [{"count": 1}, {"count": 37}, {"first_on": TODAY}, {"lines": []}],
)
def test_a_plan_that_makes_no_sense_is_refused(
    world: World, processor: FakeProcessor, said: dict[str, object]
) -> None:
    with clock.set_to(MORNING):
        with pytest.raises(UserError) as caught:
            offer(world, **({"lines": [make_line(world)]} | said))  # type: ignore[arg-type]
        assert caught.value.code == "plan_invalid"
    assert Plan.objects.count() == 0


def test_a_line_stands_in_one_plan(world: World, processor: FakeProcessor) -> None:
    with clock.set_to(MORNING):
        line = make_line(world)
        offer(world, lines=[line])
        with pytest.raises(UserError, match="in a plan already"):
            offer(world, lines=[line])


def test_installments_fall_on_the_last_day_of_shorter_months() -> None:
    first = date(2027, 1, 31)
    assert [get_day(first, "month", number) for number in range(4)] == [
        date(2027, 1, 31), date(2027, 2, 28), date(2027, 3, 31), date(2027, 4, 30),
    ]  # fmt: skip
    assert get_day(first, "two_weeks", 2) == date(2027, 2, 28)


def test_another_contact_on_the_account_can_t_hold_or_end_it(world: World, processor: FakeProcessor) -> None:
    agreement = agree(world)
    other = make_other_payer(world)
    for action in (
        lambda: hold_agreement(viewer=other, agreement=agreement, is_held=True),
        lambda: end_agreement(viewer=other, agreement=agreement),
    ):
        with pytest.raises(NotFoundForViewer):
            action()


def test_what_is_above_this_month_s_limit_is_said_once_and_charged_next_month(
    world: World, processor: FakeProcessor
) -> None:
    with clock.set_to(MORNING):
        agreement = agree(world, AUTO, limit=12_000, month_limit=Money(15_000))
        first, second = make_line(world, on=DUE), make_line(world, 5_000, on=DUE + timedelta(days=1))
    for number in range(6):
        with clock.set_to(day(number)):
            announce_due()
            charge_due()
    said = Charge.objects.get(state=ChargeState.SKIPPED)
    words = "It is more than this month's limit leaves. It is charged next month, unless it is paid before."
    assert (said.words, said.lines.get().line_id) == (words, second.id)
    with clock.set_to(day(6)):
        assert find_covered(world.account, [first.id, second.id]) == set()  # so it is reminded of until then
    for number in range(25, 28):  # November ends on day 26: told on it, charged on the first
        with clock.set_to(day(number)):
            announce_due()
            charge_due()
    assert Charge.objects.filter(agreement=agreement, state=ChargeState.DONE).count() == 2
    owed = get_line_balances(practice_id=world.practice.id, line_ids=[first.id, second.id])
    assert owed == {first.id: 0, second.id: 0}
    assert list(Attempt.objects.order_by("created_at").values_list("captured_minor", flat=True)) == [12_000, 5_000]


def test_what_a_plan_that_is_over_left_can_go_into_a_new_one(world: World, processor: FakeProcessor) -> None:
    with clock.set_to(MORNING):
        line = make_line(world, 10_000)
        plan = offer(world, lines=[line], count=2, every="week")
        accept_plan(viewer=payer(world), plan=plan, card_id=make_card(world).id, is_agreed=True)
        with pytest.raises(UserError, match="in a plan already"):
            offer(world, lines=[line])
    processor.behavior = "declined"
    for number in range(40):
        with clock.set_to(day(number)):
            announce_due()
            charge_due()
    assert list(Charge.objects.values_list("state", flat=True)) == [ChargeState.FAILED] * 2
    with clock.set_to(day(40)):
        again = offer(world, lines=[line], first_on=DUE + timedelta(days=45))
        assert again.total_minor == 10_000
        with pytest.raises(UserError, match="in a plan already"):
            offer(world, lines=[line], first_on=DUE + timedelta(days=45))
    assert Plan.objects.count() == 2


def test_a_plan_that_the_payer_holds_or_that_can_t_charge_covers_nothing(
    world: World, processor: FakeProcessor
) -> None:
    with clock.set_to(MORNING):
        line = make_line(world, 10_000)
        plan = offer(world, lines=[line])
        agreement = accept_plan(viewer=payer(world), plan=plan, card_id=make_card(world).id, is_agreed=True)
        assert find_covered(world.account, [line.id]) == {line.id}
        hold_agreement(viewer=payer(world), agreement=agreement, is_held=True)
        assert find_covered(world.account, [line.id]) == set()
        hold_agreement(viewer=payer(world), agreement=agreement, is_held=False)
        hold_agreement(viewer=world.staff, agreement=agreement, is_held=True)  # the practice gives the payer time
        assert find_covered(world.account, [line.id]) == {line.id}
        hold_agreement(viewer=world.staff, agreement=agreement, is_held=False)
        SavedCard.objects.update(exp_year=2020)
        assert find_covered(world.account, [line.id]) == set()
