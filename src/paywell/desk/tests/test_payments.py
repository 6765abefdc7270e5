"""Incoming payments: their pages, checks, refunds, reviews, and the inbox."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from paywell.accounts.models import Invitation, Role
from paywell.books.checks.processor import UNEXPLAINED
from paywell.books.models import BookCheck
from paywell.care.models import CatalogItem
from paywell.core import clock
from paywell.desk.tests.factories import Desk, add_payment
from paywell.documents.models import IssuedClient, IssuedDocument
from paywell.documents.receipts import issue_refund_receipt
from paywell.payments.models import Attempt, AttemptState, Dispute, ProcessorAccount, Refund, Review
from paywell.practice.models import Clinician, Practice
from paywell.processors.contract import Outcome, Verdict


def url(name: str, *ids: Any) -> str:
    return reverse(f"desk:{name}", args=ids)


def test_the_payment_page_tells_what_it_covered_and_what_happened(desk: Desk) -> None:
    text = desk.browser().get(url("payment", desk.attempt.id)).content.decode()
    for words in ("$70.00", "Visa 4242", "Thank you", "INV-0001", "Sent to the card processor.", "Print Receipt"):
        assert words in text


def test_a_refund_asks_twice_before_money_moves(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, str]] = []

    def refund_payment(*, viewer: Any, attempt: Any, amount: Any, reason: str, refund_id: Any) -> Refund:
        assert str(refund_id) == form
        asked.append((amount.minor, reason))
        return Refund(state="done")

    monkeypatch.setattr("paywell.desk.views.payments.refund_payment", refund_payment)
    browser = desk.browser()
    body = {"amount": "20.00", "reason": "Session canceled"}
    page = browser.post(url("refund", desk.attempt.id), body).content.decode()
    assert "Refund $20.00?" in page
    form = page.split('name="refund" value="')[1].split('"')[0]
    assert asked == []
    without_id = body | {"step": "refund", "left": "70.00"}
    assert "Refund $20.00?" in browser.post(url("refund", desk.attempt.id), without_id).content.decode()
    body["refund"] = form
    assert (
        "Refund $20.00?"
        in browser.post(url("refund", desk.attempt.id), body | {"step": "refund", "left": "90.00"}).content.decode()
    )
    assert asked == []
    answer = browser.post(url("refund", desk.attempt.id), body | {"step": "refund", "left": "70.00"})
    assert answer["Location"] == url("payment", desk.attempt.id)
    assert asked == [(2_000, "Session canceled")]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"amount": "70.01", "reason": "x"}, "Refund at most $70.00"),
        ({"amount": "0", "reason": "x"}, "more than zero"),
        ({"amount": "1,00", "reason": "x"}, "Enter an amount"),
        ({"amount": "10.00", "reason": " "}, "Say why"),
    ],
)
def test_a_wrong_refund_moves_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, body: dict[str, str], words: str
) -> None:
    monkeypatch.setattr("paywell.desk.views.payments.refund_payment", lambda **_: pytest.fail("money moved"))
    answer = desk.browser().post(url("refund", desk.attempt.id), body | {"step": "refund", "left": "70.00"})
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_payments_are_narrowed_by_date_and_status(desk: Desk) -> None:
    browser = desk.browser()
    add_payment(desk.unpaid, desk.contact, desk.processor_account, 1_234, AttemptState.DECLINED)
    everything = browser.get(url("payments")).content.decode()
    assert "$70.00" in everything
    assert "$12.34" in everything
    declined = browser.get(url("payments"), {"show": "declined"}).content.decode()
    assert "$70.00" not in declined
    assert "$12.34" in declined
    assert "No payment fits" in browser.get(url("payments"), {"date_to": "2026-11-01"}).content.decode()
    assert browser.get(url("payments"), {"date_from": "nonsense", "page": "-3", "show": "x"}).status_code == 200


def test_an_open_payment_is_checked_by_a_button(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt = add_payment(desk.unpaid, desk.contact, desk.processor_account, 1_000, AttemptState.UNKNOWN)
    looked: list[Any] = []
    monkeypatch.setattr(
        "paywell.desk.views.payments.check_attempt", lambda *, attempt: looked.append(attempt) or attempt
    )
    browser = desk.browser(Role.FRONT_DESK)
    assert "Check now" in browser.get(url("payment", attempt.id)).content.decode()
    assert "Not settled yet" in browser.get(url("inbox")).content.decode()
    browser.post(url("payment_check", attempt.id))
    assert [one.id for one in looked] == [attempt.id] * 2  # opening its page asks as well


def test_a_review_leaves_the_inbox_with_what_was_found(desk: Desk) -> None:
    browser = desk.browser()
    assert "A payment went through after all" in browser.get(url("inbox")).content.decode()
    page = browser.get(url("review_close", desk.review.id)).content.decode()
    for words in (
        "What happened",
        "The client&#x27;s money",
        "set aside in review",
        "What to do",
        "accept it below",
    ):
        assert words in page.replace("'", "&#x27;")
    assert browser.post(url("review_close", desk.review.id), {"reason": ""}).status_code == 422
    browser.post(url("review_close", desk.review.id), {"reason": "Refunded by phone"})
    review = Review.objects.get()
    assert (review.closing_note, review.closed_by) == ("Refunded by phone", desk.members[Role.OWNER].user)
    assert browser.get(url("review_close", desk.review.id)).status_code == 404


def make_given_up(desk: Desk, monkeypatch: pytest.MonkeyPatch, said: Verdict) -> Attempt:
    """A payment that no look-up could settle, its review, and what the processor says now."""

    class Truth:
        def look_up(self, order: Any) -> Outcome:
            return Outcome(said, reference=order.reference)

    monkeypatch.setattr("paywell.payments.processor_accounts.make_processor", lambda account: Truth())
    attempt = add_payment(desk.unpaid, desk.contact, desk.processor_account, 7_000, AttemptState.IN_REVIEW)
    Review.objects.filter(pk=desk.review.pk).update(attempt=attempt, kind="given_up")
    return attempt


def test_a_person_closes_a_payment_of_which_nothing_moved(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt = make_given_up(desk, monkeypatch, Verdict.DECLINED)
    browser, address = desk.browser(), url("review_close", desk.review.id)
    assert "No money moved: close it as unpaid" in browser.get(address).content.decode()
    assert browser.post(address, {"reason": "Not in their list"}).status_code == 422
    assert browser.post(address, {"reason": "Not in their list", "decision": "other"}).status_code == 422
    assert Attempt.objects.get(pk=attempt.pk).state == AttemptState.IN_REVIEW
    assert browser.post(address, {"reason": "Not in their list", "decision": "nothing_moved"}).status_code == 302
    assert Attempt.objects.get(pk=attempt.pk).state == AttemptState.FAILED
    assert Review.objects.get().closing_note == "Not in their list"
    assert "staff decided after asking the processor" in browser.get(url("payment", attempt.id)).content.decode()


def test_a_person_can_t_close_what_may_still_be_charged(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt = make_given_up(desk, monkeypatch, Verdict.PENDING)
    body = {"reason": "I think so", "decision": "nothing_moved"}
    answer = desk.browser().post(url("review_close", desk.review.id), body)
    assert answer.status_code == 422
    assert "Nothing was changed. Try again later" in answer.content.decode()
    assert Attempt.objects.get(pk=attempt.pk).state == AttemptState.IN_REVIEW
    assert Review.objects.get().closed_at is None


def test_the_inbox_names_what_is_missing(desk: Desk) -> None:
    """Once the set-up's own list is put away."""
    Practice.objects.update(setup_closed_at=desk.client.created_at)
    ProcessorAccount.objects.update(is_active=False)
    CatalogItem.objects.update(is_active=False)
    Clinician.objects.update(npi="")
    Invitation.objects.update(withdrawn_at=desk.client.created_at)
    text = desk.browser().get(url("inbox")).content.decode()
    for words in (
        "No card processor is connected",
        "catalogue is empty",
        "No NPI on file for Mara Feld",
        "1 client has nobody",
    ):
        assert words in text
    assert "No card processor" not in desk.browser(Role.BILLER).get(url("inbox")).content.decode()


def test_f27_the_same_refund_sent_again_leads_to_the_refund_that_was_made(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Refund.objects.create(
        practice=desk.attempt.practice, attempt=desk.attempt, amount_minor=2_000, currency="USD",
        created_at=desk.attempt.created_at, state="done", processor_ref="re_1",
    )  # fmt: skip
    monkeypatch.setattr("paywell.desk.views.payments.refund_payment", lambda **_: pytest.fail("money moved"))
    body = {"amount": "20.00", "reason": "x", "step": "refund", "left": "70.00", "refund": str(made.id)}
    answer = desk.browser().post(url("refund", desk.attempt.id), body, follow=True)
    assert answer.redirect_chain[-1][0] == url("payment", desk.attempt.id)
    assert "$20.00 is refunded to the card." in answer.content.decode()


def make_refund(desk: Desk, minor: int, state: str = "done", *, after_h: int = 1, **changes: Any) -> Refund:
    """A refund so many hours after the payment, closed five minutes later."""
    at = desk.attempt.created_at + timedelta(hours=after_h)
    said = {"created_at": at, "closed_at": at + timedelta(minutes=5), "actor": desk.members[Role.OWNER].user}
    return Refund.objects.create(
        practice=desk.practice, attempt=desk.attempt, amount_minor=minor, currency="USD", state=state,
        **(said | changes),
    )  # fmt: skip


def read_story(page: str) -> list[str]:
    """The words of "What happened", in their order."""
    return re.findall(r"<li data-state=\"\w+\"><p>(.*?)</p>", page)


@pytest.mark.parametrize("role", [Role.OWNER, Role.BILLER, Role.CLINICIAN, Role.FRONT_DESK, Role.READ_ONLY])
def test_each_refund_has_its_receipt_and_its_place_in_the_story_for_every_role(desk: Desk, role: Role) -> None:
    first, second = make_refund(desk, 2_000), make_refund(desk, 1_250, after_h=30)
    receipts = [issue_refund_receipt(refund) for refund in (first, second)]
    IssuedClient.objects.bulk_create(
        IssuedClient(practice=desk.practice, document=row, client=desk.client) for row in receipts
    )
    browser = desk.browser(role)
    page = browser.get(url("payment", desk.attempt.id)).content.decode()
    for row in receipts:
        assert url("issued_pdf", row.id) in page
        back = browser.get(url("issued", row.id), {"payment": str(desk.attempt.id)}).content.decode()
        assert f'href="{url("payment", desk.attempt.id)}"' in back
        assert "Came back" not in back
    story = read_story(page)
    assert story[-5:] == [
        "Paid.",
        "A refund of $20.00 was sent to the card processor.",
        "$20.00 went back to the card.",
        "A refund of $12.50 was sent to the card processor.",
        "$12.50 went back to the card.",
    ]


@pytest.mark.parametrize(
    ("state", "said", "badge", "is_closed"),
    [
        ("sending", [], "Being sent", False),
        ("pending", [], "Processing", False),
        ("failed", ["The card processor refused the refund of $20.00. No money went back."], "Not refunded", True),
        (
            "in_review",
            ["The card processor never answered whether $20.00 went back. Somebody has to look."],
            "In review",
            False,
        ),
    ],
)
def test_a_refund_that_is_not_done_is_told_as_what_it_is_and_has_no_receipt(
    desk: Desk, state: str, said: list[str], badge: str, is_closed: bool
) -> None:
    make_refund(desk, 2_000, state, **({} if is_closed else {"closed_at": None}))
    page = desk.browser().get(url("payment", desk.attempt.id)).content.decode()
    story = read_story(page)
    begun = story.index("A refund of $20.00 was sent to the card processor.")
    assert story[begun + 1 :] == said
    assert badge in page
    assert "Refund Receipt" not in page
    assert "$20.00 went back to the card." not in story


def test_a_refund_that_came_back_says_so_in_the_story_and_on_its_receipt(desk: Desk) -> None:
    refund = make_refund(desk, 2_000)
    row = issue_refund_receipt(refund)
    Refund.objects.update(state="failed_late", closed_at=refund.created_at + timedelta(days=3))
    browser = desk.browser()
    page = browser.get(url("payment", desk.attempt.id)).content.decode()
    assert read_story(page)[-1].startswith("The refund of $20.00 came back: the card did not take it.")
    assert url("issued_pdf", row.id) in page
    receipt = browser.get(url("issued", row.id)).content.decode()
    assert "the money came back to the practice." in receipt


def test_a_refund_made_at_the_processor_is_told_and_its_receipt_issued_when_first_asked_for(desk: Desk) -> None:
    make_refund(desk, 2_000, origin="at_processor", actor=None)
    page = desk.browser().get(url("payment", desk.attempt.id)).content.decode()
    assert "A refund of $20.00 was made at the card processor." in read_story(page)
    assert "Made at the processor" in page
    row = IssuedDocument.objects.get(kind="refund")  # nobody had made it before
    assert url("issued_pdf", row.id) in page


def test_a_dispute_has_its_place_in_the_story(desk: Desk) -> None:
    at = desk.attempt.created_at
    Dispute.objects.create(
        practice=desk.practice, attempt=desk.attempt, processor_ref="dp_1", amount_minor=7_000, currency="USD",
        status="lost", opened_at=at, closed_at=at + timedelta(days=9),
    )  # fmt: skip
    story = read_story(desk.browser().get(url("payment", desk.attempt.id)).content.decode())
    told = ["The payer&#x27;s bank disputes $70.00.", "The dispute of $70.00 was lost."]
    assert [words for words in story if "dispute" in words] == told


def test_the_receipts_of_refunds_cost_one_query_however_many_there_are(desk: Desk) -> None:
    browser = desk.browser()

    def count() -> int:
        with CaptureQueriesContext(connection) as found:
            browser.get(url("payment", desk.attempt.id))
        return len([query for query in found if "set_config" not in query["sql"]])

    none = count()
    for many in (1, 2):
        for row in [issue_refund_receipt(make_refund(desk, 100)) for _each in range(many)]:
            IssuedClient.objects.create(practice=desk.practice, document=row, client=desk.client)
        assert count() == none + 1


def test_the_status_page_tells_of_the_comparison_with_the_processor_and_of_what_it_found(desk: Desk) -> None:
    browser, kept = desk.browser(), {"practice": desk.practice, "transfers": 3, "took_ms": 1}
    BookCheck.objects.create(at=desk.attempt.created_at, findings=[], **kept)
    text = browser.get(url("status")).content.decode()
    assert "compared for the first time within the hour" in text
    found = [{"law": 2, "id": "ch_1", "what": UNEXPLAINED}]
    beside = BookCheck.objects.create(at=clock.now(), with_processor=True, findings=found, **kept)
    BookCheck.objects.create(at=clock.now() + timedelta(minutes=10), findings=[], **kept)
    text = browser.get(url("status")).content.decode()
    assert "Compared with the card processor's own records on" in text
    assert "The books need attention" in text
    assert UNEXPLAINED in text
    beside.unasked, beside.findings = 1, []
    beside.save()
    text = browser.get(url("status")).content.decode()
    assert "gave no whole answer" in text
    assert "The books need attention" not in text


def test_a_finding_of_the_books_leads_to_the_payment_that_it_names(desk: Desk) -> None:
    """On Status and in the review; what names no payment of this practice leads nowhere."""
    found = [
        {"law": 8, "id": str(desk.attempt.id), "what": "Not agreed."},
        {"law": 5, "id": "all", "what": "Stuck."},
    ]
    BookCheck.objects.create(
        practice=desk.practice, at=desk.attempt.created_at, transfers=3, took_ms=1, findings=found
    )
    browser, link = desk.browser(), f'href="{url("payment", desk.attempt.id)}"'
    page = browser.get(url("status")).content.decode()
    assert page.count(link) == page.count("See the payment") == 1
    Review.objects.update(kind="books_law_8", dedupe=f"books_law_8:{desk.attempt.id}", attempt=None, detail="x")
    page = browser.get(url("review_close", desk.review.id)).content.decode()
    assert link in page
    assert "Found by the check" in page
    assert "Said by the processor" not in page
    assert f'href="{url("status")}"' in page.partition("<main")[2]
    Review.objects.update(dedupe=f"books_law_8:{desk.client.id}")
    assert "See the payment" not in browser.get(url("review_close", desk.review.id)).content.decode()
