from __future__ import annotations

import pytest

from paywell.core.errors import NotFoundForViewer, UserError
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.ledger.models import AccountKind, Transfer
from paywell.outbox.models import OutboxEvent
from paywell.payments.actions import start_payment
from paywell.payments.models import Attempt, AttemptState, Claim
from paywell.payments.tests.checks import balance, owed
from paywell.payments.tests.factories import World, make_form, make_line, make_viewer, make_world
from paywell.payments.tests.fake_processor import FakeProcessor
from paywell.payments.types import PayForm


def assert_refused(world: World, processor: FakeProcessor, form: PayForm, code: str) -> None:
    with pytest.raises(UserError) as refusal:
        start_payment(viewer=world.viewer, form=form)
    assert refusal.value.code == code
    assert processor.calls == []
    assert not Attempt.objects.exists()
    assert not Claim.objects.exists()


def test_one_service_is_paid_in_full(world: World, processor: FakeProcessor) -> None:
    line = make_line(world, 12000)
    attempt = start_payment(viewer=world.viewer, form=make_form(line))
    assert attempt.state == AttemptState.SUCCEEDED
    assert (attempt.captured_minor, attempt.card_last4) == (12000, "4242")
    assert processor.calls == ["open", "submit", "look_up"]
    assert owed(line) == 0
    assert balance(world, AccountKind.CLEARING) == 12000
    assert not Claim.objects.exists()
    assert list(OutboxEvent.objects.values_list("kind", flat=True)) == ["payments.payment_succeeded"]
    stored = Attempt.objects.get()
    assert stored.state == AttemptState.SUCCEEDED
    assert stored.next_check_at is None
    assert [(e.cause, e.from_state, e.to_state) for e in stored.events.order_by("id")] == [
        ("open", "created", "submitting"),
        ("submit", "submitting", "processing"),
        ("confirm", "processing", "succeeded"),
    ]


def test_one_service_may_be_paid_in_part(world: World, processor: FakeProcessor) -> None:
    line = make_line(world, 12000)
    start_payment(viewer=world.viewer, form=make_form(line, amount=Money(5000)))
    assert owed(line) == 7000
    assert processor.taken == 5000


@pytest.mark.parametrize(
    ("amount", "code"), [(12001, "amount_above_balance"), (0, "amount_zero"), (-100, "amount_zero")]
)
def test_one_service_is_never_paid_above_its_balance_or_with_nothing(
    world: World, processor: FakeProcessor, amount: int, code: str
) -> None:
    line = make_line(world, 12000)
    assert_refused(world, processor, make_form(line, amount=Money(amount)), code)


def test_another_currency_is_refused(world: World, processor: FakeProcessor) -> None:
    assert_refused(world, processor, make_form(make_line(world), amount=Money(100, "EUR")), "amount_currency")


def test_several_services_are_paid_by_their_sum(world: World, processor: FakeProcessor) -> None:
    first, second = make_line(world, 12000), make_line(world, 3050)
    start_payment(viewer=world.viewer, form=make_form(first, second))
    assert processor.taken == 15050
    assert (owed(first), owed(second)) == (0, 0)


def test_the_sum_of_several_services_can_t_be_edited(world: World, processor: FakeProcessor) -> None:
    first, second = make_line(world, 12000), make_line(world, 3050)
    assert_refused(world, processor, make_form(first, second, amount=Money(100)), "amount_not_editable")


def test_nothing_chosen_is_refused(world: World, processor: FakeProcessor) -> None:
    assert_refused(world, processor, make_form(), "nothing_chosen")


def test_notes_are_kept_as_they_are_and_at_most_500_characters(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    assert_refused(world, processor, make_form(line, notes="x" * 501), "notes_too_long")
    attempt = start_payment(viewer=world.viewer, form=make_form(line, notes=" <b>Thanks</b> " + "x" * 480))
    assert attempt.notes == "<b>Thanks</b> " + "x" * 480


def test_a_new_card_or_a_saved_one_is_needed(world: World, processor: FakeProcessor) -> None:
    assert_refused(world, processor, make_form(make_line(world), card_token=""), "card_missing")


def test_a_paid_service_is_not_paid_again(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    start_payment(viewer=world.viewer, form=make_form(line))
    with pytest.raises(UserError) as refusal:
        start_payment(viewer=world.viewer, form=make_form(line))
    assert refusal.value.code == "already_paid"
    assert processor.taken == 12000


def test_a_voided_invoice_is_not_paid(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    type(line).objects.update(voided_at=line.invoice.issued_at)
    assert_refused(world, processor, make_form(line), "voided")


def test_a_service_of_another_client_or_practice_is_not_found(world: World, processor: FakeProcessor) -> None:
    theirs = make_line(make_world("Hillside"))
    with pytest.raises(NotFoundForViewer):
        start_payment(viewer=world.viewer, form=make_form(make_line(world), theirs))
    with pytest.raises(NotFoundForViewer):
        start_payment(viewer=world.viewer, form=make_form(make_line(world), line_ids=(new_id(),)))
    assert processor.calls == []
    assert not Attempt.objects.exists()


@pytest.mark.parametrize("rights", [{"may_pay": False}, {"payments_allowed": False}])
def test_who_may_not_pay_for_the_client_is_refused(
    world: World, processor: FakeProcessor, rights: dict[str, bool]
) -> None:
    form = make_form(make_line(world))
    with pytest.raises(UserError) as refusal:
        start_payment(viewer=make_viewer(world, **rights), form=form)
    assert refusal.value.code == "payments_closed"
    assert not Attempt.objects.exists()


@pytest.mark.parametrize("closed", ["practice", "processor"])
def test_switched_off_means_closed(world: World, processor: FakeProcessor, closed: str) -> None:
    line = make_line(world)
    if closed == "practice":
        type(world.practice).objects.update(payments_allowed=False)
    else:
        type(world.processor_account).objects.update(is_active=False)
    assert_refused(world, processor, make_form(line), "payments_closed")


def test_f01_pressing_twice_pays_once(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    form = make_form(line)
    first = start_payment(viewer=world.viewer, form=form)
    again = start_payment(viewer=world.viewer, form=form)
    assert again.id == first.id
    assert again.state == AttemptState.SUCCEEDED
    assert processor.taken == 12000
    assert Transfer.objects.filter(source=f"payment:{first.id}").count() == 1


def test_f01_pressing_twice_at_the_same_moment_pays_once(world: World, processor: FakeProcessor) -> None:
    form = make_form(make_line(world))
    seen: list[Attempt] = []
    processor.before["submit"] = lambda: seen.append(start_payment(viewer=world.viewer, form=form))
    first = start_payment(viewer=world.viewer, form=form)
    assert [attempt.state for attempt in seen] == [AttemptState.SUBMITTING]
    assert first.state == AttemptState.SUCCEEDED
    assert processor.count("submit") == 1
    assert processor.taken == 12000


def test_the_same_form_with_other_content_is_an_error(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    form = make_form(line, amount=Money(1000))
    start_payment(viewer=world.viewer, form=form)
    with pytest.raises(UserError) as refusal:
        start_payment(viewer=world.viewer, form=make_form(line, attempt_id=form.attempt_id, amount=Money(2000)))
    assert refusal.value.code == "form_reused"
    assert processor.taken == 1000


def test_a_form_of_another_account_finds_nothing(world: World, processor: FakeProcessor) -> None:
    form = make_form(make_line(world))
    start_payment(viewer=world.viewer, form=form)
    with pytest.raises(NotFoundForViewer):
        start_payment(viewer=make_world("Hillside").viewer, form=form)


@pytest.mark.parametrize("moment", ["open", "submit", "look_up"])
def test_f03_a_second_tab_waits_while_the_first_pays(world: World, processor: FakeProcessor, moment: str) -> None:
    line = make_line(world)
    codes: list[str] = []

    def second_tab() -> None:
        with pytest.raises(UserError) as refusal:
            start_payment(viewer=world.viewer, form=make_form(line))
        codes.append(refusal.value.code)

    processor.before[moment] = second_tab
    start_payment(viewer=world.viewer, form=make_form(line))
    assert codes == ["being_paid"]
    assert processor.taken == 12000
    assert owed(line) == 0


def test_f10_a_decline_closes_the_attempt_and_frees_the_service(world: World, processor: FakeProcessor) -> None:
    line = make_line(world)
    processor.behavior = "declined"
    attempt = start_payment(viewer=world.viewer, form=make_form(line))
    assert (attempt.state, attempt.decline) == (AttemptState.DECLINED, "insufficient_funds")
    assert owed(line) == 12000
    assert not Claim.objects.exists()
    assert list(OutboxEvent.objects.values_list("kind", flat=True)) == ["payments.payment_declined"]
    processor.behavior = "paid"
    again = start_payment(viewer=world.viewer, form=make_form(line))
    assert again.state == AttemptState.SUCCEEDED
    assert processor.taken == 12000
