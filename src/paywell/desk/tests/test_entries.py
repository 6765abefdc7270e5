"""What is entered by hand at the desk: forms, ledger, taking back, stories and questions."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from paywell.accounts.models import Role
from paywell.billing.models import BillingRules, Entry, EntryKind, Question
from paywell.clients.tests.factories import make_client
from paywell.core.ids import new_id
from paywell.desk.tests.factories import Desk, add_service
from paywell.invoicing.actions import issue_invoice
from paywell.invoicing.models import InvoiceLine
from paywell.ledger.queries import get_line_balances


def url(name: str, *ids: Any) -> str:
    return reverse(f"desk:{name}", args=ids)


def said(amount: str, **fields: Any) -> dict[str, Any]:
    return {"entry_id": new_id(), "amount": amount, "method": "cash", "on": "2026-11-20"} | fields


def owed(desk: Desk) -> list[int]:
    lines = [desk.invoice.lines.get().id, desk.unpaid.lines.get().id]
    balances = get_line_balances(practice_id=desk.practice.id, line_ids=lines)
    return [balances[line] for line in lines]


def test_cash_is_recorded_with_a_receipt(desk: Desk) -> None:
    browser = desk.browser(Role.FRONT_DESK)
    page = browser.get(url("payment_new", desk.client.id)).content.decode()
    assert 'value="210.00"' in page
    answer = browser.post(url("payment_new", desk.client.id), said("90.00", note="Thank you"))
    entry = Entry.objects.exclude(pk=desk.entry.pk).get()
    assert answer["Location"] == url("payment", entry.id)
    assert owed(desk) == [0, 12_000]
    text = browser.get(answer["Location"]).content.decode()
    for words in ("$90.00", "Cash", "Thank you", "INV-0001", "Print Receipt"):
        assert words in text
    assert "Take it back" not in text
    assert "Cash" in browser.get(url("receipt", entry.id)).content.decode()
    assert "Cash" in browser.get(url("payments")).content.decode()
    assert browser.get(url("receipt_pdf", entry.id)).content[:4] == b"%PDF"
    assert "Individual" in browser.get(url("receipt", entry.id)).content.decode()
    assert "Individual" not in browser.get(url("receipt", entry.id), {"plain": "1"}).content.decode()


def test_a_payment_of_much_more_than_is_owed_is_asked_about_once(desk: Desk) -> None:
    browser, page = desk.browser(), url("payment_new", desk.client.id)
    assert 'name="is_more"' not in browser.get(page).content.decode()
    form = said("20210.00")
    answer = browser.post(page, form)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "That is $20,000.00 more than is owed." in text
    assert 'name="is_more"' in text
    assert 'value="20210.00"' in text
    assert Entry.objects.get() == desk.entry
    assert browser.post(page, form | {"is_more": "on"}).status_code == 302
    assert Entry.objects.exclude(pk=desk.entry.pk).get().amount_minor == 2_021_000


def test_twice_what_is_owed_is_recorded_without_a_question(desk: Desk) -> None:
    assert desk.browser().post(url("payment_new", desk.client.id), said("420.00")).status_code == 302
    assert Entry.objects.exclude(pk=desk.entry.pk).get().amount_minor == 42_000


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"amount": "0"}, "more than zero"),
        ({"amount": "x"}, "Enter an amount"),
        ({"on": "2999-01-01"}, "still to come"),
        ({"on": ""}, "Enter a date"),
        ({"method": "gold"}, "Select a valid choice"),
        ({"reference": "4242424242424242"}, "card number"),
        ({"entry_id": "nonsense"}, "valid UUID"),
    ],
)
def test_a_wrong_payment_enters_nothing_and_keeps_what_was_typed(
    desk: Desk, fields: dict[str, str], words: str
) -> None:
    answer = desk.browser().post(url("payment_new", desk.client.id), said("10.00", note="For you") | fields)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert "For you" in answer.content.decode()
    assert Entry.objects.count() == 1


def test_pressing_twice_records_once(desk: Desk) -> None:
    browser, form = desk.browser(), said("10.00")
    for _ in range(2):
        assert browser.post(url("payment_new", desk.client.id), form).status_code == 302
    assert Entry.objects.count() == 2


def test_chosen_services_alone_are_paid(desk: Desk) -> None:
    line = desk.unpaid.lines.get()
    desk.browser().post(url("payment_new", desk.client.id), said("20.00", lines=[str(line.id)]))
    assert owed(desk) == [7_000, 12_000]


def test_a_line_of_somebody_else_can_t_be_chosen(desk: Desk) -> None:
    other = make_client(desk.practice, legal_first_name="Piet", legal_last_name="Fremd")
    answer = desk.browser().post(url("payment_new", desk.client.id), said("20.00", lines=[str(new_id())]))
    assert answer.status_code == 422
    elsewhere = f"{url('payment_new', desk.client.id)}?account={other.default_account_id}"
    assert desk.browser().get(elsewhere).status_code == 404


def test_credit_is_applied_and_paid_out(desk: Desk) -> None:
    browser = desk.browser()
    assert "Apply credit" in browser.get(url("client_ledger", desk.client.id)).content.decode()
    browser.post(url("credit_apply", desk.client.id), said("3.00", reason="For the oldest"))
    assert owed(desk)[0] == 6_700
    answer = browser.post(url("credit_pay_out", desk.client.id), said("2.01", reason="Moved away"))
    assert "only $2.00 of credit" in answer.content.decode()
    assert browser.post(url("credit_pay_out", desk.client.id), said("2.00", reason="Moved away")).status_code == 302


def test_an_adjustment_asks_why(desk: Desk) -> None:
    browser, page = desk.browser(), url("adjust", desk.client.id)
    assert "Say why" in browser.post(page, said("5.00", kind="write_off", reason=" ")).content.decode()
    browser.post(page, said("5.00", kind="write_off", reason="Agreed"))
    assert Entry.objects.get(kind=EntryKind.WRITE_OFF).amount_minor == 500
    assert owed(desk) == [6_500, 14_000]
    assert browser.post(page, said("5.00", kind="payment", reason="Agreed")).status_code == 422


def test_the_insurer_s_answer_is_entered_on_the_service(desk: Desk) -> None:
    service = add_service(desk.client, desk.clinician, desk.item, desk.service.on, insurer_minor=9_000)
    browser = desk.browser()
    assert "Enter the insurer" in browser.get(url("service", service.id)).content.decode()
    page = url("insurer_entry", service.id)
    browser.post(page, said("80.00", kind="insurer_payment", reason="Letter 7"))
    browser.post(page, said("10.00", kind="insurer_adjustment", reason="Letter 7"))
    assert "is open" in browser.get(url("service", service.id)).content.decode()
    assert "Enter the insurer" not in browser.get(url("service", service.id)).content.decode()
    assert Entry.objects.filter(service=service).count() == 2


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("credit_apply", "There is only $5.00 of credit. Enter at most that."),
        ("credit_pay_out", "There is only $5.00 of credit. Enter at most that."),
        ("adjust", "Enter at most what is owed, $210.00."),
    ],
)
def test_all_that_is_wrong_with_an_entry_is_told_at_once(desk: Desk, page: str, words: str) -> None:
    answer = desk.browser().post(
        url(page, desk.client.id), said("400.00", kind="adjustment", reason="", on="2999-01-01")
    )
    text = answer.content.decode()
    assert answer.status_code == 422
    for each in (words, "Say why.", "That day is still to come. Enter today or a day before."):
        assert each in text
    assert 'value="400.00"' in text
    assert Entry.objects.count() == 1


def test_the_same_entry_sent_twice_is_one_entry_also_where_nothing_is_left_for_a_second(desk: Desk) -> None:
    browser, page = desk.browser(), url("adjust", desk.client.id)
    form = said("210.00", kind="adjustment", reason="Agreed by phone")
    answers = [browser.post(page, form).status_code for _ in range(2)]
    assert (answers, Entry.objects.filter(kind="adjustment").count(), owed(desk)) == ([302, 302], 1, [0, 0])


def test_a_reason_that_the_client_reads_says_so_before_it_is_written(desk: Desk) -> None:
    browser = desk.browser()
    service = add_service(desk.client, desk.clinician, desk.item, desk.service.on, insurer_minor=9_000)
    browser.post(url("insurer_entry", service.id), said("80.00", kind="insurer_payment", reason="Letter 7"))
    entry = Entry.objects.get(service=service)
    told = "The client reads it under Why do I owe this?"
    for page in (
        url("refund", desk.attempt.id), url("entry_reverse", entry.id), url("invoice_void", desk.unpaid.id),
        url("adjust", desk.client.id),
    ):  # fmt: skip
        assert told in browser.get(page).content.decode(), page
    for page in (url("service_void", desk.waiting.id), url("review_close", desk.review.id)):
        assert told not in browser.get(page).content.decode(), page


def test_the_insurer_s_answer_is_taken_back_on_the_service_and_a_large_payment_by_two_people(desk: Desk) -> None:
    BillingRules.objects.create(practice=desk.practice, approve_refunds_above_minor=7_999)
    service = add_service(desk.client, desk.clinician, desk.item, desk.service.on, insurer_minor=9_000)
    browser, page = desk.browser(Role.BILLER), url("service", service.id)
    browser.post(url("insurer_entry", service.id), said("80.00", kind="insurer_payment", reason="Letter 7"))
    browser.post(url("insurer_entry", service.id), said("10.00", kind="insurer_adjustment", reason="Letter 8"))
    paid, lowered = Entry.objects.filter(service=service).order_by("recorded_at", "id")
    assert url("entry_reverse", paid.id) not in desk.browser(Role.READ_ONLY).get(page).content.decode()
    text = browser.get(page).content.decode()
    assert "The insurer paid, <" in text
    assert url("entry_reverse", lowered.id) in text
    answer = browser.post(url("entry_reverse", lowered.id), {"reason": "Typed twice"}, follow=True)
    assert answer.redirect_chain == [(page, 302)]
    assert "Typed twice" in answer.content.decode()
    take_back = url("entry_reverse", paid.id)
    assert "Take back the insurer's payment of $80.00?" in browser.get(take_back).content.decode()
    decide = browser.post(take_back, {"reason": "Of another client"})["Location"]
    assert "An insurer's payment to take back" in desk.browser().get(url("inbox")).content.decode()
    assert page in browser.get(decide).content.decode()
    assert Entry.objects.get(pk=paid.pk).reversed_at is None
    desk.browser().post(decide, {"decision": "approve"})
    assert Entry.objects.get(pk=paid.pk).reverse_reason == "Of another client"
    assert "The insurer's part is open again." in browser.get(decide).content.decode()


def test_taking_back_leaves_both_in_the_ledger(desk: Desk) -> None:
    browser = desk.browser()
    page = url("entry_reverse", desk.entry.id)
    assert "Take back" in browser.get(page).content.decode()
    assert browser.post(page, {"reason": ""}).status_code == 422
    assert browser.post(page, {"reason": "Typed twice"}).status_code == 302
    text = browser.get(url("client_ledger", desk.client.id)).content.decode()
    for words in ("Taken back", "Typed twice", "cash", "Paid by card", "Invoiced"):
        assert words in text
    assert "undone already" in browser.post(page, {"reason": "Again"}).content.decode()


def test_a_role_without_the_right_takes_nothing_back(desk: Desk) -> None:
    assert (
        desk.browser(Role.FRONT_DESK).post(url("entry_reverse", desk.entry.id), {"reason": "x"}).status_code == 404
    )
    assert Entry.objects.get().reversed_at is None


def test_a_question_is_answered_where_the_story_is_told(desk: Desk) -> None:
    browser = desk.browser()
    story = url("line_story", desk.question.line_id)
    text = browser.get(story).content.decode()
    for words in ("Why this is owed", "Is this right?", "Paid by card", "Visa 4242", "$70.00"):
        assert words in text
    page = url("question_answer", desk.question.id)
    assert browser.post(page, {"answer": " "}).status_code == 422
    assert browser.post(page, {"answer": "Yes: a session on Nov 3."})["Location"] == story
    assert "Yes: a session" in browser.get(story).content.decode()
    assert Question.objects.get().answered_by_id == desk.members[Role.OWNER].user_id
    late = browser.get(page, follow=True)  # a colleague's inbox, opened before
    assert late.redirect_chain[-1][0] == story
    assert "It is answered already." in late.content.decode()
    assert Question.objects.get().answer == "Yes: a session on Nov 3."


def test_services_beyond_ten_are_folded_and_a_tick_among_them_opens_the_fold(desk: Desk) -> None:
    days = [desk.service.on.replace(day=day) for day in range(6, 17)]
    services = [add_service(desk.client, desk.clinician, desk.item, day) for day in days]
    issue_invoice(practice=desk.practice, account=desk.client.default_account, services=services, actor_id=None)
    browser, address = desk.browser(), url("payment_new", desk.client.id)
    first, fold = browser.get(address).content.decode().split("<details>")
    assert first.count('name="lines"') == 10
    assert "Show 3 more" in fold
    assert fold.split("</details>")[0].count('name="lines"') == 3
    last = InvoiceLine.objects.get(service=services[-1]).id
    again = browser.post(address, said("0", lines=[str(last)])).content.decode()
    assert "<details open>" in again


def test_each_balance_opens_as_its_story(desk: Desk) -> None:
    """From the invoice's line, from the service, and the client's whole balance as the ledger."""
    browser, line = desk.browser(), desk.question.line
    story = url("line_story", line.id)
    for page in (url("invoice", line.invoice_id), url("service", line.service_id)):
        assert story in browser.get(page).content.decode(), page
    assert f'<dd class="sum"><a href="{url("client_ledger", desk.client.id)}"' in (
        browser.get(url("client", desk.client.id)).content.decode()
    )
