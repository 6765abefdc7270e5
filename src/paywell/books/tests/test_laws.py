"""Each law, broken alone and from outside, is found and names what offends. The sound books offend nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection

from paywell.books.check import check_books
from paywell.books.invariants import LAWS
from paywell.books.models import BookCheck
from paywell.books.tests.worlds import Books, change_sealed, copy_payment, found, slip_in, unguarded
from paywell.books.types import Scope
from paywell.care.models import Service
from paywell.clients.models import Grant
from paywell.core import clock
from paywell.core.ids import new_id
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.models import AccountBalance, AccountKind, LineBalance, Transfer
from paywell.outbox.models import OutboxEvent
from paywell.payments.models import Attempt, AttemptEvent, AttemptLine, Claim, Dispute, Refund, StoredNotice
from paywell.payments.tests.factories import make_world

Broken = tuple[int, object]


def test_there_are_twelve_laws() -> None:
    assert [law.number for law in LAWS] == list(range(1, 13))


def test_sound_books_offend_nothing(books: Books) -> None:
    assert found() == {}
    assert found(practice_id=books.world.practice.id) == {}


def last_transfer(books: Books) -> Transfer:
    return Transfer.objects.filter(book__owner_id=books.world.account.id).latest("seq")


def two_currencies_in_one_transfer(books: Books) -> Broken:
    transfer = last_transfer(books)
    change_sealed(transfer, currency="CAD")
    return 1, transfer.id


def money_from_nowhere(books: Books) -> Broken:
    return 2, slip_in(books.world, "gift:1", AccountKind.CLEARING, AccountKind.SUSPENSE, 500).id


def a_payment_booked_twice(books: Books) -> Broken:
    slip_in(books.world, f"recapture:{books.paid.id}:1", AccountKind.CLEARING, AccountKind.SUSPENSE, 500)
    return 2, books.paid.id


def a_refund_that_was_not_done(books: Books) -> Broken:
    world = books.world
    slip_in(world, f"refund:{new_id()}", AccountKind.CLIENT_CREDIT, AccountKind.CLEARING, 500)
    return 2, Transfer.objects.get(source__startswith="refund:", amount_minor=500).source.removeprefix("refund:")


def the_same_service_paid_twice(books: Books) -> Broken:
    copy_payment(books)
    return 3, books.line.id


def more_taken_than_charged(books: Books) -> Broken:
    slip_in(books.world, "check:1", AccountKind.BANK, AccountKind.RECEIVABLE, 500, books.line)
    return 3, books.line.id


def refunds_above_the_payment(books: Books) -> Broken:
    now = clock.now()
    Refund.objects.create(
        practice=books.world.practice, attempt=books.partly, amount_minor=6001, currency="USD", created_at=now,
        next_check_at=now,
    )  # fmt: skip
    return 4, books.partly.id


def a_refunded_sum_of_its_own(books: Books) -> Broken:
    Attempt.objects.filter(pk=books.partly.pk).update(refunded_minor=5999)
    return 4, books.partly.id


def a_refund_without_proof(books: Books) -> Broken:
    Refund.objects.filter(pk=books.refund.pk).update(processor_ref="")
    return 4, books.refund.id


def a_payment_that_nobody_looks_up(books: Books) -> Broken:
    Attempt.objects.filter(pk=books.open.pk).update(next_check_at=None)
    return 5, books.open.id


def a_payment_older_than_its_limit(books: Books) -> Broken:
    Attempt.objects.filter(pk=books.open.pk).update(submitted_at=clock.now() - timedelta(hours=75))
    return 5, books.open.id


def a_refund_older_than_its_limit(books: Books) -> Broken:
    old = Refund.objects.create(
        practice=books.world.practice, attempt=books.paid, amount_minor=100, currency="USD",
        created_at=clock.now() - timedelta(hours=75), next_check_at=clock.now(),
    )  # fmt: skip
    return 5, old.id


def a_line_held_by_nobody(books: Books) -> Broken:
    Claim.objects.create(line=books.line, practice_id=books.world.practice.id, attempt=books.paid)
    return 5, books.line.id


def an_open_payment_without_its_claim(books: Books) -> Broken:
    Claim.objects.filter(attempt=books.open).delete()
    return 5, books.open.id


def an_event_that_is_not_delivered(books: Books) -> Broken:
    event = OutboxEvent.objects.filter(kind="payments.payment_succeeded").first()
    assert event is not None
    OutboxEvent.objects.filter(pk=event.pk).update(
        delivered_at=None, created_at=clock.now() - timedelta(minutes=16)
    )
    return 5, event.id


def a_notice_that_is_not_read(books: Books) -> Broken:
    notice = StoredNotice.objects.create(
        practice=books.world.practice, processor_account=books.world.processor_account, event_id="evt_1",
        received_at=clock.now() - timedelta(minutes=16),
    )  # fmt: skip
    return 5, notice.id


def a_payment_without_receipt(books: Books) -> Broken:
    OutboxEvent.objects.filter(dedupe=f"payments.payment_succeeded:{books.paid.id}").delete()
    return 6, books.paid.id


def a_receipt_without_payment(books: Books) -> Broken:
    now = clock.now()
    OutboxEvent.objects.create(
        practice_id=books.world.practice.id, kind="payments.payment_succeeded", created_at=now, next_try_at=now,
        dedupe=f"payments.payment_succeeded:{books.declined.id}", delivered_at=now,
    )  # fmt: skip
    return 6, books.declined.id


def a_refund_without_news(books: Books) -> Broken:
    OutboxEvent.objects.filter(kind="payments.refund_done").delete()
    return 6, books.refund.id


def an_e_mail_that_is_not_sent(books: Books) -> Broken:
    delivery = apps.get_model("notifications", "Delivery").objects.create(
        practice=books.world.practice, event_id=new_id(), kind="payments.payment_succeeded",
        recipient_kind="contact", recipient_id=books.world.contact.id, message_id="<1@example.org>",
        created_at=clock.now() - timedelta(minutes=16),
    )  # fmt: skip
    return 6, delivery.id


def a_payment_without_its_charge(books: Books) -> Broken:
    Attempt.objects.filter(pk=books.paid.pk).update(processor_ref="")
    return 7, books.paid.id


def another_amount_without_a_review(books: Books) -> Broken:
    Attempt.objects.filter(pk=books.paid.pk).update(captured_minor=12100)
    slip_in(books.world, f"recapture:{books.paid.id}:1", AccountKind.CLEARING, AccountKind.SUSPENSE, 100)
    return 7, books.paid.id


def another_sum_than_chosen(books: Books) -> Broken:
    AttemptLine.objects.filter(attempt=books.declined).update(amount_minor=12001)
    return 8, books.declined.id


def a_payer_without_access(books: Books) -> Broken:
    Grant.objects.update(valid_from=clock.now().date() + timedelta(days=3))
    return 8, books.paid.id


def a_dispute_that_withholds_more(books: Books) -> Broken:
    Dispute.objects.update(withheld_minor=12001)
    return 9, books.dispute.id


def a_dispute_that_is_not_shown(books: Books) -> Broken:
    Attempt.objects.filter(pk=books.disputed.pk).update(disputed=False)
    return 9, books.disputed.id


def money_withheld_for_no_dispute(books: Books) -> Broken:
    dispute = new_id()
    slip_in(books.world, f"dispute:{dispute}:1", AccountKind.DISPUTES, AccountKind.CLEARING, 700)
    return 9, dispute


def a_transfer_that_was_changed(books: Books) -> Broken:
    transfer = Transfer.objects.get(source=f"payment:{books.paid.id}")
    with unguarded("ledger_transfer"), connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_transfer SET reason = 'other' WHERE source = %s", [transfer.source])
    return 10, transfer.id


def fewer_transfers_than_before(books: Books) -> Broken:
    practice = books.world.practice
    count = Transfer.objects.filter(practice_id=practice.id).count()
    BookCheck.objects.create(practice=practice, at=clock.now(), took_ms=1, transfers=count + 1)
    return 10, practice.id


def a_line_s_balance_that_drifted(books: Books) -> Broken:
    LineBalance.objects.filter(line_id=books.owed.id).update(balance_minor=11999)
    return 11, books.owed.id


def an_account_s_balance_that_drifted(books: Books) -> Broken:
    balance = AccountBalance.objects.get(account__kind=AccountKind.RECEIVABLE)
    AccountBalance.objects.filter(pk=balance.pk).update(balance_minor=balance.balance_minor + 1)
    return 11, balance.pk


def a_line_that_says_another_amount(books: Books) -> Broken:
    with unguarded("invoicing_invoiceline"):
        InvoiceLine.objects.filter(pk=books.owed.pk).update(amount_minor=11999)
    return 11, books.owed.id


def a_service_that_keeps_another_sum_of_its_lines(books: Books) -> Broken:
    Service.objects.filter(pk=books.owed.service_id).update(invoiced_minor=11999)
    return 11, books.owed.service_id


def a_service_that_keeps_no_sum(books: Books) -> Broken:
    Service.objects.filter(pk=books.owed.service_id).update(invoiced_minor=None)
    return 11, books.owed.service_id


def a_step_that_does_not_exist(books: Books) -> Broken:
    for before, after in (("succeeded", "failed"), ("failed", "succeeded")):
        AttemptEvent.objects.create(
            practice=books.world.practice, attempt=books.paid, at=clock.now(), from_state=before, to_state=after,
            cause="sweep",
        )  # fmt: skip
    return 12, books.paid.id


def a_state_that_no_event_tells_of(books: Books) -> Broken:
    Attempt.objects.filter(pk=books.declined.pk).update(state="failed")
    return 12, books.declined.id


BREAKS = [
    two_currencies_in_one_transfer, money_from_nowhere, a_payment_booked_twice, a_refund_that_was_not_done,
    the_same_service_paid_twice, more_taken_than_charged, refunds_above_the_payment, a_refunded_sum_of_its_own,
    a_refund_without_proof, a_payment_that_nobody_looks_up, a_payment_older_than_its_limit,
    a_refund_older_than_its_limit, a_line_held_by_nobody, an_open_payment_without_its_claim,
    an_event_that_is_not_delivered, a_notice_that_is_not_read, a_payment_without_receipt,
    a_receipt_without_payment, a_refund_without_news, an_e_mail_that_is_not_sent, a_payment_without_its_charge,
    another_amount_without_a_review, another_sum_than_chosen, a_payer_without_access,
    a_dispute_that_withholds_more, a_dispute_that_is_not_shown, money_withheld_for_no_dispute,
    a_transfer_that_was_changed, fewer_transfers_than_before, a_line_s_balance_that_drifted,
    an_account_s_balance_that_drifted, a_line_that_says_another_amount,
    a_service_that_keeps_another_sum_of_its_lines, a_service_that_keeps_no_sum, a_step_that_does_not_exist,
    a_state_that_no_event_tells_of,
]  # fmt: skip


@pytest.mark.parametrize("break_it", BREAKS, ids=lambda each: each.__name__)
def test_a_broken_law_is_found_and_no_other_one(books: Books, break_it: Callable[[Books], Broken]) -> None:
    law, about = break_it(books)
    offended = found()
    assert set(offended) == {law}
    assert str(about) in offended[law]


def test_a_payment_after_the_void_of_its_line_is_found(books: Books) -> None:
    InvoiceLine.objects.filter(pk=books.line.pk).update(voided_at=clock.now() - timedelta(hours=1))
    offended = found()
    assert offended[8] == {str(books.paid.id)}
    assert offended[11] == {str(books.line.id)}  # its charge was not taken back either


def test_a_deleted_transfer_is_found_by_the_next_one(books: Books) -> None:
    transfer = Transfer.objects.get(source=f"payment:{books.paid.id}")
    after = Transfer.objects.get(book=transfer.book, seq=transfer.seq + 1)
    with unguarded("ledger_transfer"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM ledger_transfer WHERE source = %s", [transfer.source])
    offended = found()
    assert offended[10] == {str(after.id)}
    assert offended[2] == {str(books.paid.id)}


def test_a_table_that_lost_its_guard_is_found(books: Books) -> None:
    with unguarded("payments_attemptevent"):
        assert found() == {10: {"payments_attemptevent"}}
    assert found() == {}


def test_a_payment_in_review_needs_an_open_review(books: Books) -> None:
    Attempt.objects.filter(pk=books.open.pk).update(state="in_review")
    assert found()[5] == {str(books.open.id)}


def test_one_practice_is_checked_alone(books: Books) -> None:
    slip_in(books.world, "gift:1", AccountKind.CLEARING, AccountKind.SUSPENSE, 500)
    other = make_world("Lakeside")
    assert found(practice_id=other.practice.id) == {}
    assert set(found(practice_id=books.world.practice.id)) == {2}


def test_the_number_of_queries_does_not_grow(books: Books, django_assert_max_num_queries: object) -> None:
    questions = sum(len(law.questions) for law in LAWS)
    patience = connection.vendor == "postgresql"  # one statement lets the others take their time (`without_haste`)
    with django_assert_max_num_queries(questions + 2 + patience):  # type: ignore[operator]
        check_books()


@pytest.mark.django_db
def test_no_question_reads_the_whole_ledger_again_for_each_row() -> None:
    """On a SQLite without statistics two questions once took minutes over 30,000 transfers: no scan in a scan."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL keeps statistics and hashes")
    scope = Scope(clock.now())
    for law in LAWS:
        for question in law.questions:
            if question.sql is None:
                continue
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {question.sql(scope)}", scope.parameters())
                plan = [(row[1], row[3]) for row in cursor.fetchall()]
            for parent in {above for above, _ in plan}:
                # Steps of one parent are the loops of one join, the outermost first.
                loops = [step for above, step in plan if above == parent and step.startswith(("SCAN", "SEARCH"))]
                for step in loops[1:]:
                    assert not step.endswith(("(practice_id=?)", "line_id>?)")), (question.what, loops)
                    assert not step.startswith("SCAN t"), (question.what, loops)
