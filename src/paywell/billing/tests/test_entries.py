"""Payments by hand, credit, adjustments and the insurer's part: what each does to what is owed, and undone."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from django.db import DatabaseError, transaction

from paywell.accounts.models import Role
from paywell.audit.models import AuditEvent
from paywell.billing.entries import NEEDS, get_credit, get_insurer_left, make_entry, reverse_entry
from paywell.billing.models import Entry, EntryKind, EntryLine, Method
from paywell.billing.tests.factories import Billed, form, make_billed
from paywell.core import clock
from paywell.core.errors import NotAllowed, NotFoundForViewer, UserError
from paywell.invoicing import holds
from paywell.invoicing.actions import void_invoice
from paywell.ledger.models import AccountKind, Transfer
from paywell.ledger.queries import get_account_balance
from paywell.outbox.models import OutboxEvent

K = EntryKind


@pytest.fixture
def billed(db: None) -> Billed:
    return make_billed()


def enter(billed: Billed, kind: EntryKind, minor: int, *lines, **values) -> Entry:  # type: ignore[no-untyped-def]
    return make_entry(viewer=billed.staff, account=billed.account, form=form(kind, minor, *lines, **values))


def refused(billed: Billed, code: str, *arguments, **values) -> None:  # type: ignore[no-untyped-def]
    """The same is refused with that code, and leaves nothing behind."""
    before = (Entry.objects.count(), Transfer.objects.count(), billed.owed(), AuditEvent.objects.count())
    with pytest.raises(UserError) as caught:
        enter(billed, *arguments, **values)
    assert caught.value.code == code
    assert (Entry.objects.count(), Transfer.objects.count(), billed.owed(), AuditEvent.objects.count()) == before


def cash(billed: Billed) -> int:
    return get_account_balance(
        practice_id=billed.practice.id, kind=AccountKind.CASH, owner_id=billed.practice.id, currency="USD"
    )


def test_cash_pays_the_oldest_first_and_the_rest_becomes_credit(billed: Billed) -> None:
    enter(billed, K.PAYMENT, 15_000, method=Method.CASH)
    assert billed.owed() == [0, 3_000, 3_000]
    enter(billed, K.PAYMENT, 10_000)
    assert billed.owed() == [0, 0, 0]
    assert get_credit(billed.account).minor == 4_000
    assert cash(billed) == 25_000


def test_chosen_lines_alone_are_paid(billed: Billed) -> None:
    entry = enter(billed, K.PAYMENT, 4_000, billed.lines[1])
    assert billed.owed() == [12_000, 2_000, 3_000]
    assert [(row.line_id, row.amount_minor) for row in entry.lines.all()] == [(billed.lines[1].id, 4_000)]


def test_money_ahead_of_any_invoice_is_credit(billed: Billed) -> None:
    enter(billed, K.PAYMENT, 21_000)
    enter(billed, K.PAYMENT, 5_000, reference="1042", note="For December")
    assert get_credit(billed.account).minor == 5_000


def test_the_same_form_enters_once(billed: Billed) -> None:
    said = form(K.PAYMENT, 4_000)
    first = make_entry(viewer=billed.staff, account=billed.account, form=said)
    assert make_entry(viewer=billed.staff, account=billed.account, form=said).id == first.id
    assert billed.owed() == [8_000, 6_000, 3_000]
    refused(billed, "form_reused", K.PAYMENT, 5_000, entry_id=first.id)


@pytest.mark.parametrize(
    ("code", "kind", "minor", "values"),
    [
        ("amount_zero", K.PAYMENT, 0, {}),
        ("amount_too_large", K.PAYMENT, 10**12, {}),
        ("card_number", K.PAYMENT, 100, {"reference": "4242 4242 4242 4242"}),
        ("day_ahead", K.PAYMENT, 100, {"on": date(2999, 1, 1)}),
        ("reason_missing", K.WRITE_OFF, 100, {"reason": " "}),
        ("amount_above_owed", K.WRITE_OFF, 21_001, {}),
        ("amount_above_owed", K.ADJUSTMENT, 21_001, {}),
        ("amount_above_credit", K.CREDIT_USED, 1, {}),
        ("amount_above_credit", K.CREDIT_OUT, 1, {}),
    ],
)
def test_what_can_t_be_entered_changes_nothing(
    billed: Billed, code: str, kind: EntryKind, minor: int, values: dict[str, object]
) -> None:
    refused(billed, code, kind, minor, **values)


def test_a_line_that_is_paid_online_is_refused(billed: Billed) -> None:
    held = {billed.lines[0].id}
    question = lambda ids: bool(held & set(ids))  # noqa: E731
    holds.register(question)
    try:
        refused(billed, "being_paid", K.PAYMENT, 100)
        enter(billed, K.PAYMENT, 100, billed.lines[2])
    finally:
        holds.unregister(question)


def test_another_account_s_line_is_not_found(billed: Billed) -> None:
    with pytest.raises(NotFoundForViewer):
        enter(billed, K.PAYMENT, 100, make_billed().lines[0])
    assert Entry.objects.count() == 0


def test_a_voided_line_takes_nothing(billed: Billed) -> None:
    void_invoice(invoice=billed.lines[0].invoice, reason="Wrong", actor_id=None)
    before = Transfer.objects.count()
    with pytest.raises(UserError, match="void"):
        enter(billed, K.PAYMENT, 100, billed.lines[0])
    assert Transfer.objects.count() == before


@pytest.mark.parametrize("kind", [K.ADJUSTMENT, K.WRITE_OFF])
def test_an_adjustment_lowers_what_is_owed_and_can_be_undone(billed: Billed, kind: EntryKind) -> None:
    entry = enter(billed, kind, 2_000, billed.lines[0])
    assert billed.owed() == [10_000, 6_000, 3_000]
    reverse_entry(viewer=billed.staff, entry=entry, reason="Wrong line")
    assert billed.owed() == [12_000, 6_000, 3_000]


def test_credit_is_applied_taken_back_and_paid_out(billed: Billed) -> None:
    enter(billed, K.PAYMENT, 25_000)
    billed.lines += make_lines_for(billed, 2_500)
    used = enter(billed, K.CREDIT_USED, 2_500)
    assert billed.owed()[-1] == 0
    assert get_credit(billed.account).minor == 1_500
    reverse_entry(viewer=billed.staff, entry=used, reason="Client wants it kept")
    assert billed.owed()[-1] == 2_500
    assert get_credit(billed.account).minor == 4_000
    enter(billed, K.CREDIT_OUT, 4_000, reference="2001")
    assert get_credit(billed.account).minor == 0
    assert cash(billed) == 21_000


def make_lines_for(billed: Billed, fee: int):  # type: ignore[no-untyped-def]
    from paywell.invoicing.actions import issue_invoice
    from paywell.invoicing.tests.factories import make_service

    service = make_service(billed.client, date(2026, 11, 20), fee)
    invoice = issue_invoice(practice=billed.practice, account=billed.account, services=[service], actor_id=None)
    return list(invoice.lines.all())


def test_a_payment_whose_credit_was_used_can_t_be_undone_before_that(billed: Billed) -> None:
    payment = enter(billed, K.PAYMENT, 22_000)
    billed.lines += make_lines_for(billed, 1_000)
    used = enter(billed, K.CREDIT_USED, 1_000)
    with pytest.raises(UserError) as caught:
        reverse_entry(viewer=billed.staff, entry=payment, reason="Check bounced")
    assert caught.value.code == "credit_is_used"
    reverse_entry(viewer=billed.staff, entry=used, reason="Undone")
    reverse_entry(viewer=billed.staff, entry=payment, reason="Check bounced")
    assert billed.owed() == [12_000, 6_000, 3_000, 1_000]
    assert cash(billed) == 0
    with pytest.raises(UserError, match="undone already"):
        reverse_entry(viewer=billed.staff, entry=payment, reason="Again")


def test_undoing_needs_a_reason_and_the_right(billed: Billed) -> None:
    entry = enter(billed, K.PAYMENT, 1_000)
    with pytest.raises(UserError, match="Say why"):
        reverse_entry(viewer=billed.staff, entry=entry, reason=" ")
    with pytest.raises(NotAllowed):
        reverse_entry(viewer=billed.as_role(Role.FRONT_DESK), entry=entry, reason="x")
    assert billed.owed() == [11_000, 6_000, 3_000]


def test_the_insurer_s_part_is_paid_lowered_and_moved_to_the_client(db: None) -> None:
    billed = make_billed([12_000], insurer_minor=8_000)
    service = billed.services[0]
    assert billed.owed() == [4_000]
    enter(billed, K.INSURER_PAYMENT, 5_000, service_id=service.id, reason="Explanation of benefits 77")
    lowered = enter(billed, K.INSURER_ADJUSTMENT, 1_000, service_id=service.id)
    moved = enter(billed, K.INSURER_TO_CLIENT, 2_000, service_id=service.id, reason="Deductible")
    assert billed.owed() == [6_000]
    assert get_insurer_left(service).minor == 0
    refused(billed, "amount_above_insurer", K.INSURER_PAYMENT, 1, service_id=service.id)
    reverse_entry(viewer=billed.staff, entry=lowered, reason="Paid after all")
    assert get_insurer_left(service).minor == 1_000
    enter(billed, K.PAYMENT, 5_000)
    with pytest.raises(UserError) as caught:
        reverse_entry(viewer=billed.staff, entry=moved, reason="Insurer changed its mind")
    assert caught.value.code == "already_paid"


@pytest.mark.parametrize("kind", list(K))
@pytest.mark.parametrize("role", list(Role))
def test_each_role_enters_what_it_may(billed: Billed, kind: EntryKind, role: Role) -> None:
    viewer = billed.as_role(role)
    said = form(kind, 1, service_id=billed.services[0].id if kind.startswith("insurer") else None)
    if viewer.may(NEEDS[kind]):
        if kind in (K.PAYMENT, K.ADJUSTMENT, K.WRITE_OFF):
            assert make_entry(viewer=viewer, account=billed.account, form=said).amount_minor == 1
        return
    with pytest.raises(NotAllowed):
        make_entry(viewer=viewer, account=billed.account, form=said)
    assert Entry.objects.count() == 0


def test_another_practice_s_staff_finds_neither_account_nor_entry(billed: Billed) -> None:
    entry, stranger = enter(billed, K.PAYMENT, 1_000), make_billed().staff
    with pytest.raises(NotFoundForViewer):
        make_entry(viewer=stranger, account=billed.account, form=form(K.PAYMENT, 1))
    with pytest.raises(NotFoundForViewer):
        reverse_entry(viewer=stranger, entry=entry, reason="x")
    assert billed.owed() == [11_000, 6_000, 3_000]


def test_the_database_keeps_an_entry_as_it_was(billed: Billed) -> None:
    entry = enter(billed, K.PAYMENT, 1_000)
    for change in (
        lambda: Entry.objects.filter(pk=entry.pk).update(amount_minor=1),
        lambda: Entry.objects.filter(pk=entry.pk).delete(),
        lambda: EntryLine.objects.filter(entry=entry).update(amount_minor=1),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert Entry.objects.get(pk=entry.pk).amount_minor == 1_000


def test_who_and_when_stand_in_the_audit_trail_and_the_outbox_once(billed: Billed) -> None:
    entry = enter(billed, K.PAYMENT, 1_000)
    event = AuditEvent.objects.get(target_kind="entry")
    assert (event.action, UUID(str(event.target_id)), event.actor_id) == (
        "billing.enter_payment",
        entry.id,
        billed.staff.id,
    )
    assert OutboxEvent.objects.get(kind="billing.payment_recorded").payload == {"entry_id": str(entry.id)}
    assert entry.on == clock.business_date(clock.now(), billed.practice.timezone)
    assert clock.now() - entry.recorded_at < timedelta(minutes=1)
