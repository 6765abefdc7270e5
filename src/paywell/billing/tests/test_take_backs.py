"""A payment by hand above the practice's amount: taken back by two people, and only once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from paywell.accounts.models import Role
from paywell.accounts.tests.factories import make_user
from paywell.accounts.types import StaffViewer
from paywell.audit.models import AuditEvent
from paywell.billing.entries import get_credit, get_insurer_left, make_entry, reverse_entry
from paywell.billing.models import BillingRules, Entry, EntryKind, TakeBackRequest
from paywell.billing.take_backs import (
    access_take_back,
    decide_take_back,
    get_take_back_stage,
    list_open_take_backs,
    request_take_back,
)
from paywell.billing.tests.factories import Billed, form, make_billed
from paywell.core import clock
from paywell.core.errors import NotAllowed, NotFoundForViewer, UserError
from paywell.core.money import Money


@pytest.fixture
def books(db: None) -> Billed:
    """A practice where taking back more than $50.00 needs two people."""
    books = make_billed((100,))
    BillingRules.objects.create(practice=books.practice, approve_refunds_above_minor=5_000)
    return books


def enter(books: Billed, minor: int, kind: EntryKind = EntryKind.PAYMENT) -> Entry:
    return make_entry(viewer=books.staff, account=books.account, form=form(kind, minor))


def second(books: Billed, role: Role = Role.BILLER) -> StaffViewer:
    return StaffViewer(make_user().id, books.practice, role)


def refused(books: Billed, code: str, act: Callable[[], object]) -> None:
    before = (list(Entry.objects.order_by("id").values_list("reversed_at")), get_credit(books.account))
    with pytest.raises(UserError) as caught:
        act()
    assert caught.value.code == code
    assert (list(Entry.objects.order_by("id").values_list("reversed_at")), get_credit(books.account)) == before


def test_up_to_the_amount_one_person_takes_it_back(books: Billed) -> None:
    entry = enter(books, 5_000)
    assert reverse_entry(viewer=books.staff, entry=entry, reason="Bounced").reversed_at is not None
    assert get_credit(books.account) == Money(0)


def test_above_it_nothing_is_taken_back_before_another_person_approves(books: Billed) -> None:
    entry = enter(books, 6_100)
    refused(books, "needs_approval", lambda: reverse_entry(viewer=books.staff, entry=entry, reason="Bounced"))
    wanted = request_take_back(viewer=books.staff, entry=entry, reason="Bounced")
    assert request_take_back(viewer=books.staff, entry=entry, reason="Bounced, I say") == wanted
    assert wanted.amount_minor == 6_100
    refused(books, "needs_approval", lambda: reverse_entry(viewer=books.staff, entry=entry, reason="Bounced"))
    refused(books, "own_request", lambda: decide_take_back(viewer=books.staff, request=wanted, is_approved=True))
    other = second(books)
    assert list(list_open_take_backs(other)) == [wanted]
    for _ in range(2):
        done = decide_take_back(viewer=other, request=wanted, is_approved=True)
        assert done is not None
        assert (done.reversed_by_id, done.reverse_reason) == (other.id, "Bounced")
    assert get_credit(books.account) == Money(0)
    assert list(list_open_take_backs(other)) == []
    assert get_take_back_stage(wanted) == "made"
    refused(books, "already_reversed", lambda: request_take_back(viewer=other, entry=entry, reason="Again"))
    told = AuditEvent.objects.filter(target_id__in=[wanted.id, entry.id]).order_by("seq")
    assert list(told.values_list("action", "actor_id"))[1:] == [
        ("billing.request_take_back", books.staff.id),
        ("billing.approve_take_back", other.id),
        ("billing.reverse_payment", other.id),
    ]


def test_an_insurer_s_payment_needs_two_people_as_a_client_s_does(db: None) -> None:
    books = make_billed((12_000,), insurer_minor=8_000)
    BillingRules.objects.create(practice=books.practice, approve_refunds_above_minor=5_000)
    service, other = books.services[0], second(books)

    def paid(minor: int) -> Entry:
        said = form(EntryKind.INSURER_PAYMENT, minor, service_id=service.id)
        return make_entry(viewer=books.staff, account=books.account, form=said)

    reverse_entry(viewer=books.staff, entry=enter(books, 1_000), reason="Bounced")
    small, large = paid(3_900), paid(4_100)
    refused(books, "needs_approval", lambda: reverse_entry(viewer=books.staff, entry=large, reason="Wrong service"))
    wanted = request_take_back(viewer=books.staff, entry=large, reason="Wrong service")
    refused(books, "own_request", lambda: decide_take_back(viewer=books.staff, request=wanted, is_approved=True))
    assert get_insurer_left(service) == Money(0)
    done = decide_take_back(viewer=other, request=wanted, is_approved=True)
    assert done is not None
    assert (done.reversed_by_id, get_insurer_left(service)) == (other.id, Money(4_100))
    refused(books, "needs_approval", lambda: reverse_entry(viewer=books.staff, entry=small, reason="Too"))
    lowered = make_entry(
        viewer=books.staff, account=books.account,
        form=form(EntryKind.INSURER_ADJUSTMENT, 4_100, service_id=service.id),
    )  # fmt: skip
    assert reverse_entry(viewer=books.staff, entry=lowered, reason="Paid after all").reversed_at is not None


def test_parts_of_one_account_count_together_for_thirty_days(books: Billed) -> None:
    first, next_one, last = enter(books, 3_000), enter(books, 2_001), enter(books, 4_000)
    reverse_entry(viewer=books.staff, entry=first, reason="Bounced")
    refused(books, "needs_approval", lambda: reverse_entry(viewer=books.staff, entry=next_one, reason="Bounced"))
    with clock.set_to(clock.now() + timedelta(days=31)):
        reverse_entry(viewer=books.staff, entry=last, reason="Bounced")


def test_an_approval_is_for_its_own_entry_alone(books: Billed) -> None:
    entry, another = enter(books, 6_000), enter(books, 6_000)
    wanted = request_take_back(viewer=books.staff, entry=entry, reason="Bounced")
    TakeBackRequest.objects.filter(pk=wanted.pk).update(
        is_approved=True, decided_by=make_user(), decided_at=clock.now()
    )
    refused(books, "needs_approval", lambda: reverse_entry(viewer=books.staff, entry=another, reason="Bounced"))
    reverse_entry(viewer=books.staff, entry=entry, reason="Bounced")


def test_declined_or_after_a_week_nobody_s_word_counts(books: Billed) -> None:
    declined, late = (
        request_take_back(viewer=books.staff, entry=enter(books, minor), reason="Bounced")
        for minor in (6_000, 6_001)
    )
    other = second(books)
    assert decide_take_back(viewer=books.staff, request=declined, is_approved=False) is None
    assert get_take_back_stage(declined.__class__.objects.get(pk=declined.pk)) == "declined"
    refused(books, "request_over", lambda: decide_take_back(viewer=other, request=declined, is_approved=True))
    assert request_take_back(viewer=books.staff, entry=declined.entry, reason="After all") != declined
    with clock.set_to(clock.now() + timedelta(days=8)):
        refused(books, "request_over", lambda: decide_take_back(viewer=other, request=late, is_approved=True))
        assert list(list_open_take_backs(other)) == []


def test_credit_used_meanwhile_keeps_the_payment_where_it_is(books: Billed) -> None:
    entry = enter(books, 6_100)
    wanted = request_take_back(viewer=books.staff, entry=entry, reason="Bounced")
    used = enter(books, 500, EntryKind.CREDIT_OUT)
    other = second(books)
    refused(books, "credit_is_used", lambda: decide_take_back(viewer=other, request=wanted, is_approved=True))
    assert list(list_open_take_backs(other)) == [wanted]
    reverse_entry(viewer=books.staff, entry=used, reason="Not handed over")
    decide_take_back(viewer=other, request=wanted, is_approved=True)
    assert get_credit(books.account) == Money(0)


def test_who_may_not_refund_neither_asks_nor_decides(books: Billed) -> None:
    entry = enter(books, 6_000)
    wanted = request_take_back(viewer=books.staff, entry=entry, reason="Bounced")
    desk = second(books, Role.FRONT_DESK)
    with pytest.raises(NotAllowed):
        request_take_back(viewer=desk, entry=entry, reason="Bounced")
    with pytest.raises(NotAllowed):
        decide_take_back(viewer=desk, request=wanted, is_approved=True)
    stranger = make_billed((100,)).staff
    with pytest.raises(NotFoundForViewer):
        request_take_back(viewer=stranger, entry=entry, reason="Bounced")
    with pytest.raises(NotFoundForViewer):
        decide_take_back(viewer=stranger, request=wanted, is_approved=True)
    for viewer in (desk, stranger):
        with pytest.raises(NotFoundForViewer):
            access_take_back(viewer, wanted.id)
    refused(books, "reason_missing", lambda: request_take_back(viewer=books.staff, entry=entry, reason=" "))


def test_the_database_refuses_an_approval_by_whoever_asked(books: Billed) -> None:
    wanted = request_take_back(viewer=books.staff, entry=enter(books, 6_000), reason="Bounced")
    with pytest.raises(IntegrityError), transaction.atomic():
        TakeBackRequest.objects.filter(pk=wanted.pk).update(
            is_approved=True, decided_by=wanted.requested_by, decided_at=clock.now()
        )
