"""Credit paid out above the practice's amount: nothing before a second person's word, and once after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection

from paywell.accounts.models import Role
from paywell.accounts.tests.factories import make_user
from paywell.accounts.types import StaffViewer
from paywell.audit.models import AuditEvent
from paywell.billing.entries import EntryForm, get_credit, make_entry, reverse_entry
from paywell.billing.models import BillingRules, Entry, EntryKind, PayOutRequest
from paywell.billing.pay_outs import access_pay_out, decide_pay_out, list_open_pay_outs, request_pay_out
from paywell.billing.tests.factories import Billed, form, make_billed
from paywell.core import clock
from paywell.core.errors import NotAllowed, NotFoundForViewer, UserError
from paywell.core.money import Money


@pytest.fixture
def books(db: None) -> Billed:
    """A practice whose pay-outs above $50.00 need two people, and an account with $200.00 of credit."""
    books = make_billed((100,))
    BillingRules.objects.create(practice=books.practice, approve_refunds_above_minor=5_000)
    make_entry(viewer=books.staff, account=books.account, form=form(EntryKind.PAYMENT, 20_100))
    return books


def out(minor: int) -> EntryForm:
    return form(EntryKind.CREDIT_OUT, minor)


def second(books: Billed, role: Role = Role.BILLER) -> StaffViewer:
    return StaffViewer(make_user().id, books.practice, role)


def refused(books: Billed, code: str, act: Callable[[], object]) -> None:
    before = (Entry.objects.count(), get_credit(books.account))
    with pytest.raises(UserError) as caught:
        act()
    assert caught.value.code == code
    assert (Entry.objects.count(), get_credit(books.account)) == before


def test_up_to_the_amount_one_person_suffices(books: Billed) -> None:
    make_entry(viewer=books.staff, account=books.account, form=out(5_000))
    assert get_credit(books.account) == Money(15_000)


def test_above_it_nothing_is_entered_before_another_person_approves(books: Billed) -> None:
    said = out(6_000)
    refused(books, "needs_approval", lambda: make_entry(viewer=books.staff, account=books.account, form=said))
    wanted = request_pay_out(viewer=books.staff, account=books.account, form=said)
    assert request_pay_out(viewer=books.staff, account=books.account, form=said) == wanted
    refused(books, "needs_approval", lambda: make_entry(viewer=books.staff, account=books.account, form=said))
    refused(books, "own_request", lambda: decide_pay_out(viewer=books.staff, request=wanted, is_approved=True))
    other = second(books)
    for _ in range(2):
        entry = decide_pay_out(viewer=other, request=wanted, is_approved=True)
        assert entry is not None
        assert (entry.id, entry.actor_id, entry.method) == (wanted.id, other.id, "check")
    assert get_credit(books.account) == Money(14_000)
    assert list(list_open_pay_outs(other)) == []
    told = AuditEvent.objects.filter(target_id=wanted.id).order_by("seq").values_list("action", "actor_id")
    assert list(told) == [
        ("billing.request_pay_out", books.staff.id),
        ("billing.approve_pay_out", other.id),
        ("billing.enter_credit_out", other.id),
    ]


def test_parts_of_one_account_count_together_for_thirty_days(books: Billed) -> None:
    first = make_entry(viewer=books.staff, account=books.account, form=out(3_000))
    said = out(2_001)
    refused(books, "needs_approval", lambda: make_entry(viewer=books.staff, account=books.account, form=said))
    with clock.set_to(clock.now() + timedelta(days=31)):
        make_entry(viewer=books.staff, account=books.account, form=out(2_002))
    reverse_entry(viewer=books.staff, entry=first, reason="Taken back")
    make_entry(viewer=books.staff, account=books.account, form=out(2_003))
    assert get_credit(books.account) == Money(20_000 - 2_002 - 2_003)


def test_an_approval_is_for_its_own_amount_and_account_alone(books: Billed) -> None:
    said = out(6_000)
    wanted = request_pay_out(viewer=books.staff, account=books.account, form=said)
    PayOutRequest.objects.filter(pk=wanted.pk).update(
        is_approved=True, decided_by=make_user(), decided_at=clock.now()
    )
    larger = replace(said, amount=Money(7_000))
    refused(books, "needs_approval", lambda: make_entry(viewer=books.staff, account=books.account, form=larger))


def test_declined_or_after_a_week_nobody_s_word_counts(books: Billed) -> None:
    declined, late = (
        request_pay_out(viewer=books.staff, account=books.account, form=out(minor)) for minor in (6_000, 6_001)
    )
    other = second(books)
    decide_pay_out(viewer=books.staff, request=declined, is_approved=False)
    refused(books, "request_over", lambda: decide_pay_out(viewer=other, request=declined, is_approved=True))
    assert list(list_open_pay_outs(other)) == [late]
    with clock.set_to(clock.now() + timedelta(days=8)):
        refused(books, "request_over", lambda: decide_pay_out(viewer=other, request=late, is_approved=True))
        assert list(list_open_pay_outs(other)) == []


def test_credit_used_meanwhile_is_not_paid_out(books: Billed) -> None:
    wanted = request_pay_out(viewer=books.staff, account=books.account, form=out(20_000))
    make_entry(viewer=books.staff, account=books.account, form=out(100))
    other = second(books)
    refused(books, "amount_above_credit", lambda: decide_pay_out(viewer=other, request=wanted, is_approved=True))
    refused(
        books, "amount_above_credit",
        lambda: request_pay_out(viewer=books.staff, account=books.account, form=out(19_901)),
    )  # fmt: skip


def test_who_may_not_refund_neither_asks_nor_decides(books: Billed) -> None:
    wanted = request_pay_out(viewer=books.staff, account=books.account, form=out(6_000))
    desk = second(books, Role.FRONT_DESK)
    with pytest.raises(NotAllowed):
        request_pay_out(viewer=desk, account=books.account, form=out(1))
    with pytest.raises(NotAllowed):
        decide_pay_out(viewer=desk, request=wanted, is_approved=True)
    for stranger in (desk, make_billed((100,)).staff):
        with pytest.raises(NotFoundForViewer):
            access_pay_out(stranger, wanted.id)


@pytest.mark.django_db(transaction=True)
def test_two_people_approving_at_the_same_moment_pay_out_once(books: Billed) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite in memory refuses a second thread at once; in a file it lets one write after the other")
    wanted = request_pay_out(viewer=books.staff, account=books.account, form=out(6_000))
    people, start, heard = [second(books) for _ in range(4)], Barrier(4), []

    def approve(viewer: StaffViewer) -> None:
        try:
            start.wait(timeout=20)
            entry = decide_pay_out(viewer=viewer, request=wanted, is_approved=True)
            heard.append(entry.id if entry else None)
        except Exception as error:
            heard.append(error)
        finally:
            connection.close()

    threads = [Thread(target=approve, args=[viewer]) for viewer in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert heard == [wanted.id] * 4
    assert [entry.amount_minor for entry in Entry.objects.filter(kind=EntryKind.CREDIT_OUT)] == [6_000]
    assert get_credit(books.account) == Money(14_000)
