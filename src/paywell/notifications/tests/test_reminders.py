"""Reminders: by the schedule in both directions, each once, and to nobody who has nothing to do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core import mail

from paywell.accounts.models import Role
from paywell.accounts.tests.factories import make_staff as make_member
from paywell.accounts.types import StaffViewer
from paywell.agreements.automatic import announce_due
from paywell.agreements.chargeable import ABOVE
from paywell.agreements.models import Agreement, Charge, ChargeLine, Installment, Plan, PlanLine
from paywell.billing.models import Question
from paywell.clients.models import GrantRole
from paywell.core import clock
from paywell.core.errors import NotAllowed, UserError
from paywell.documents.tests.factories import NOON, Case, make_case, make_contact, make_payment
from paywell.invoicing.models import Invoice
from paywell.ledger.models import LineBalance
from paywell.notifications.kinds import KINDS
from paywell.notifications.models import Delivery, ReminderRules
from paywell.notifications.reminders import KIND, remind_due, set_reminder_rules
from paywell.notifications.tests.test_notifications import give_grant
from paywell.notifications.texts import set_text
from paywell.outbox.delivery import deliver_due
from paywell.outbox.models import OutboxEvent
from paywell.payments.models import SavedCard

pytestmark = pytest.mark.django_db

#: Two weeks after the invoice was issued.
DUE = date(2026, 12, 7)


@pytest.fixture
def case() -> Case:
    """$120 are open on one line, issued at noon of November 23."""
    with clock.set_to(NOON):
        case = make_case()
    assert case.invoice.due_on == DUE
    give_grant(case, case.contact)
    OutboxEvent.objects.all().delete()
    switch_on(case)
    return case


def switch_on(case: Case, before: tuple[int, ...] = (3,), after: tuple[int, ...] = (2, 14)) -> ReminderRules:
    with clock.set_to(NOON):
        return set_reminder_rules(viewer=viewer(case), is_on=True, days_before=before, days_after=after)


def viewer(case: Case, role: Role = Role.OWNER) -> StaffViewer:
    return StaffViewer(id=make_member(case.practice, role).user_id, practice=case.practice, role=role)


def at(day: date, hour: int = 18) -> datetime:
    """In UTC; New York is five hours behind."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def run(day: date, hour: int = 18) -> list[str]:
    """The worker once on that day; the subjects that left."""
    mail.outbox.clear()
    with clock.set_to(at(day, hour)):
        remind_due()
        deliver_due()
    return [message.subject.partition(": ")[2] for message in mail.outbox]


def test_each_reminder_goes_once_on_its_day_before_and_after(case: Case) -> None:
    sent = {}
    for offset in range(-10, 25):
        for _ in range(2):
            told = run(DUE + timedelta(days=offset))
            if told:
                assert offset not in sent
                sent[offset] = told
    assert sent == {
        -3: ["something in your portal is due soon"],
        2: ["something in your portal is past its due date"],
        14: ["something in your portal is past its due date"],
    }
    assert Delivery.objects.filter(notice="reminder_before").count() == 1
    assert Delivery.objects.filter(notice="reminder_after").count() == 2


def test_nobody_is_reminded_until_it_is_switched_on(case: Case) -> None:
    ReminderRules.objects.all().delete()
    assert run(DUE - timedelta(days=3)) == run(DUE + timedelta(days=2)) == []
    switch_on(case)
    with clock.set_to(NOON):
        set_reminder_rules(viewer=viewer(case), is_on=False, days_before=[3], days_after=[2])
    assert run(DUE - timedelta(days=3)) == run(DUE + timedelta(days=2)) == []
    assert not OutboxEvent.objects.exists()


def test_not_before_nine_where_the_practice_is(case: Case) -> None:
    day = DUE - timedelta(days=3)
    assert run(day, hour=13) == []  # eight in New York
    assert len(run(day, hour=14)) == 1


def test_switching_on_sends_nothing_whose_day_is_past(case: Case) -> None:
    with clock.set_to(at(DUE + timedelta(days=3))):
        set_reminder_rules(viewer=viewer(case), is_on=True, days_before=[3], days_after=[2, 14])
    assert run(DUE + timedelta(days=3)) == []
    assert len(run(DUE + timedelta(days=14))) == 1


def test_a_worker_that_stood_still_sends_a_reminder_late_but_not_too_late_and_never_two(case: Case) -> None:
    switch_on(case, before=(), after=(1, 2, 10))
    assert len(run(DUE + timedelta(days=4))) == 1
    assert list(OutboxEvent.objects.values_list("dedupe", flat=True)) == [f"reminder:{case.account.id}:{DUE}:2"]
    assert run(DUE + timedelta(days=5)) == []
    assert run(DUE + timedelta(days=14)) == []  # four days late


def test_what_is_due_already_is_not_called_due_soon(case: Case) -> None:
    switch_on(case, before=(1,), after=())
    assert run(DUE + timedelta(days=1)) == []
    assert len(run(DUE)) == 1  # a day late, and due today


def test_an_invoice_of_that_day_is_told_by_its_own_e_mail_alone(case: Case) -> None:
    switch_on(case, before=(14, 12), after=())
    assert run(DUE - timedelta(days=14), hour=21) == run(DUE - timedelta(days=13)) == []
    assert len(run(DUE - timedelta(days=12))) == 1


def test_the_days_stand_where_the_text_wants_them(case: Case) -> None:
    for key in ("reminder_before", "reminder_after"):
        set_text(viewer=viewer(case), kind=KINDS[key], subject="{practice}: {days}", body="{link}")
    assert run(DUE - timedelta(days=3)) == ["3"]
    assert run(DUE + timedelta(days=2)) == ["2"]


def pay_all(case: Case) -> None:
    make_payment(case.invoice, case.contact, 12_000)


def ask(case: Case) -> None:
    line = case.invoice.lines.get()
    Question.objects.create(practice=case.practice, line=line, contact=case.contact, text="Why?", asked_at=NOON)


def void(case: Case) -> None:
    Invoice.objects.update(voided_at=NOON)


def plan(case: Case) -> None:
    own = {"practice": case.practice}
    offered = Plan.objects.create(
        **own, account=case.account, total_minor=12_000, currency="USD", offered_at=NOON,
        offered_by_id=viewer(case).id,
    )  # fmt: skip
    PlanLine.objects.create(**own, plan=offered, line=case.invoice.lines.get(), amount_minor=12_000)
    for number in (1, 2):
        Installment.objects.create(
            **own, plan=offered, number=number, due_on=DUE + timedelta(weeks=number), amount_minor=6_000
        )
    Plan.objects.filter(id=offered.id).update(agreement=agree(case, "plan"))


def agree(case: Case, kind: str, **fields: Any) -> Agreement:
    own = {"practice": case.practice}
    card = SavedCard.objects.create(
        **own, processor_account=case.attempt.processor_account, contact=case.contact, token="pm_1",
        customer_ref="cus_1", brand="visa", last4="1881", exp_month=4, exp_year=2031, created_at=NOON,
    )  # fmt: skip
    values = {
        "kind": kind, "account": case.account, "contact": case.contact, "user": case.contact.user, "card": card,
        "wording_version": "1", "agreed_at": NOON, "currency": "USD", "charge_limit_minor": 20_000,
    }  # fmt: skip
    return Agreement.objects.create(**own, **(values | fields))


def autopay(case: Case, **fields: Any) -> Agreement:
    case.practice.payments_allowed = True
    case.practice.save()
    return agree(case, "autopay", includes_old=True, **fields)


def end_grant(case: Case) -> None:
    case.contact.grants.update(valid_until=date(2026, 11, 30))


def only_read(case: Case) -> None:
    case.contact.grants.update(may_pay=False)


@pytest.mark.parametrize("change", [pay_all, ask, void, plan, autopay, end_grant, only_read])
def test_who_has_nothing_to_do_is_not_reminded(case: Case, change: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it changed after the event was written: what is owed is looked at when the e-mail leaves."""
    # The card and its processor are as they should be: no processor is set up here.
    monkeypatch.setattr("paywell.agreements.chargeable._find_obstacle", lambda agreement, processors: "")
    with clock.set_to(at(DUE - timedelta(days=3))):
        assert remind_due() == 1
        with clock.set_to(NOON):
            change(case)
        deliver_due()
    assert mail.outbox == []
    assert OutboxEvent.objects.get(kind=KIND).delivered_at is not None
    assert run(DUE + timedelta(days=2)) == []


def test_an_answered_question_and_autopay_on_hold_let_reminders_go_on(case: Case) -> None:
    ask(case)
    Question.objects.update(answer="So.", answered_at=NOON)
    autopay(case, held_at=NOON)
    assert len(run(DUE - timedelta(days=3))) == 1


def test_autopay_over_a_processor_that_is_set_up_wrongly_covers_nothing(case: Case) -> None:
    autopay(case)
    assert len(run(DUE - timedelta(days=3))) == 1


@pytest.mark.parametrize("state", ["failed", "planned", "skipped"])
def test_what_autopay_gave_up_is_reminded_of_like_anything_else(
    case: Case, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    """Failed for good: nobody else would tell the payer. Announced, or left out for once: it is still to come."""
    monkeypatch.setattr("paywell.agreements.chargeable._find_obstacle", lambda agreement, processors: "")
    autopay(case)
    agreement, line = Agreement.objects.get(), LineBalance.objects.filter(balance_minor__gt=0).get()
    charge = Charge.objects.create(
        practice=case.practice, agreement=agreement, key="k", amount_minor=line.balance_minor, currency="USD",
        due_on=DUE, state=state, created_at=NOON,
    )  # fmt: skip
    ChargeLine.objects.create(
        practice=case.practice, charge=charge, line_id=line.line_id, amount_minor=line.balance_minor
    )
    assert len(run(DUE + timedelta(days=2))) == (1 if state == "failed" else 0)


@pytest.mark.parametrize(("last", "told"), [("planned", 0), ("skipped", 0), ("failed", 1)])
def test_what_a_plan_left_behind_is_reminded_of_once_no_installment_is_to_come(
    case: Case, last: str, told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paywell.agreements.chargeable._find_obstacle", lambda agreement, processors: "")
    plan(case)
    for installment, state in zip(Installment.objects.order_by("number"), ("done", last), strict=True):
        Charge.objects.create(
            practice=case.practice, agreement=Agreement.objects.get(), key=str(installment.id), amount_minor=6_000,
            currency="USD", due_on=installment.due_on, state=state, created_at=NOON, installment=installment,
        )  # fmt: skip
    assert len(run(DUE + timedelta(days=2))) == told


def test_what_is_above_autopay_s_limit_is_reminded_of_before_and_after_it_was_left_out(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paywell.agreements.chargeable._find_obstacle", lambda agreement, processors: "")
    line = LineBalance.objects.filter(balance_minor__gt=0).get()
    autopay(case, charge_limit_minor=line.balance_minor - 1)
    assert len(run(DUE - timedelta(days=3))) == 1
    with clock.set_to(at(DUE - timedelta(days=1))):
        announce_due()
    assert Charge.objects.get().key.startswith(ABOVE)
    assert [each for each in run(DUE + timedelta(days=2)) if "past its due date" in each] != []


def test_a_wish_for_no_e_mail_is_kept_and_logged(case: Case) -> None:
    case.client.wants_no_email = True
    case.client.save()
    assert run(DUE - timedelta(days=3)) == []
    rows = {row.recipient_kind: (row.notice, row.skip_reason, row.sent_at) for row in Delivery.objects.all()}
    assert rows == {
        "contact": ("reminder_before", "no_email_wanted", None),
        "account": ("reminder_before", "nobody", None),
    }


def test_each_payer_of_the_account_hears_at_the_address_of_their_sign_in(case: Case) -> None:
    other = make_contact(case.practice, "Bo Duarte")
    give_grant(case, other, role=GrantRole.PAYER)
    other.email = "noted@mail.example.org"
    other.save()
    run(DUE - timedelta(days=3))
    assert {message.to[0] for message in mail.outbox} == {case.contact.user.email, other.user.email}


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ([31], [], "days_out_of_range"),
        ([], [0], "days_out_of_range"),
        ([], [181], "days_out_of_range"),
        ([1, 2, 3, 4, 5, 6], [], "too_many_days"),
        ([], [], "no_days"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(
    case: Case, before: list[int], after: list[int], code: str
) -> None:
    with pytest.raises(UserError) as refused:
        set_reminder_rules(viewer=viewer(case), is_on=True, days_before=before, days_after=after)
    assert refused.value.code == code
    assert ReminderRules.objects.values_list("days_before", "days_after").get() == ([3], [2, 14])


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OWNER])
def test_only_who_changes_settings_changes_the_schedule(case: Case, role: Role) -> None:
    with pytest.raises(NotAllowed):
        set_reminder_rules(viewer=viewer(case, role), is_on=False, days_before=[], days_after=[])
    assert ReminderRules.objects.get().is_on
