"""A deposit at the desk: what is in it, where its payments lead, who may open it; and a payment's fee."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from paywell.accounts.models import Role
from paywell.accounts.tests.factories import make_user
from paywell.audit.models import AuditEvent
from paywell.clients.models import Contact
from paywell.core import clock
from paywell.core.money import Money
from paywell.desk.tests.factories import Desk, make_desk
from paywell.payments.deposit_reviews import review_deposits
from paywell.payments.models import Attempt, Deposit, DepositPart, Review
from paywell.payments.reviews import open_review
from paywell.processors.registry import CONNECTORS


def page(desk: Desk, name: str = "deposit", role: Role = Role.OWNER) -> str:
    return desk.browser(role).get(reverse(f"desk:{name}", args=[desk.deposit.id])).content.decode()


def payment_page(desk: Desk, role: Role = Role.OWNER) -> str:
    return desk.browser(role).get(reverse("desk:payment", args=[desk.attempt.id])).content.decode()


def test_a_deposit_opens_to_its_payments(desk: Desk) -> None:
    content = page(desk)
    assert reverse("desk:payment", args=[desk.attempt.id]) in content
    for words in ("$67.67", "$70.00", "$2.33", "Arrived", desk.client.default_account.name):
        assert words in content, words
    assert "Not explained" not in content


def test_the_list_of_deposits_leads_to_each(desk: Desk) -> None:
    days = {"date_from": "2026-01-01", "date_to": "2032-01-01"}
    content = desk.browser().get(reverse("desk:report", args=["deposits"]), days).content.decode()
    assert reverse("desk:deposit", args=[desk.deposit.id]) in content


def test_what_is_not_explained_is_said_with_what_to_do(desk: Desk) -> None:
    Deposit.objects.filter(pk=desk.deposit.pk).update(amount_minor=6000)
    content = page(desk)
    assert "Not explained: -$7.67." in content
    assert "Paywell asks again every hour." in content


def test_a_deposit_that_was_sent_back_says_so(desk: Desk) -> None:
    Deposit.objects.filter(pk=desk.deposit.pk).update(state="failed")
    assert "The bank sent this deposit back." in page(desk)


def test_a_deposit_by_hand_says_that_nobody_itemized_it(desk: Desk) -> None:
    DepositPart.objects.filter(deposit=desk.deposit).delete()
    Deposit.objects.filter(pk=desk.deposit.pk).update(is_itemized=False)
    content = page(desk)
    assert "does not say what is in this deposit" in content
    assert "Not explained" not in content


def test_a_charge_from_elsewhere_is_told_from_ours(desk: Desk) -> None:
    DepositPart.objects.filter(deposit=desk.deposit).update(attempt=None, is_booked=False)
    assert "Not through Paywell" in page(desk)


def test_money_in_suspense_leads_to_its_review(desk: Desk) -> None:
    account = desk.deposit.processor_account
    DepositPart.objects.filter(deposit=desk.deposit).update(attempt=None, is_booked=True, object_ref="ch_x")
    assert "In suspense" in page(desk)
    open_review(
        practice_id=desk.practice.id, kind="unmatched_charge", about=f"{account.id}:ch_x", money=Money(7000)
    )
    target = reverse("desk:review_close", args=[Review.objects.get(kind="unmatched_charge").id])
    assert f'<a href="{target}">In suspense</a>' in page(desk)
    assert target not in page(desk, role=Role.READ_ONLY)


def test_the_file_of_a_deposit_has_its_rows_and_stands_in_the_audit_trail(desk: Desk) -> None:
    before = AuditEvent.objects.filter(action="report.download").count()
    answer = desk.browser().get(reverse("desk:deposit_csv", args=[desk.deposit.id]))
    text = b"".join(answer).decode()  # type: ignore[call-overload]
    rows = list(csv.reader(io.StringIO(text[1:])))
    assert rows[0] == ["What", "Date", "Account", "Amount", "Fee", "Net"]
    assert rows[1][3:] == ["70.00", "2.33", "67.67"]
    assert len(rows) == 2
    assert AuditEvent.objects.filter(action="report.download").count() == before + 1


def test_a_payment_tells_its_fee_its_net_and_its_deposit(desk: Desk) -> None:
    content = payment_page(desk)
    assert "<dt>Fee</dt><dd>" in content
    assert "$2.33" in content
    assert "$67.67" in content
    assert reverse("desk:deposit", args=[desk.deposit.id]) in content


def test_a_fee_that_is_not_told_is_no_zero(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    Attempt.objects.filter(pk=desk.attempt.pk).update(fee_minor=None)
    assert "Not told yet" in payment_page(desk)
    Attempt.objects.update(processor_account=desk.processor_account)
    type(desk.processor_account).objects.update(connector="authorize_net")
    assert not CONNECTORS["authorize_net"].tells_fees
    assert "Authorize.Net does not tell its fees." in payment_page(desk)
    assert "<dt>Net</dt>" not in payment_page(desk)


def test_a_clinician_finds_no_deposit_and_no_way_to_one(desk: Desk) -> None:
    address = reverse("desk:deposit", args=[desk.deposit.id])
    browser = desk.browser(Role.CLINICIAN)
    assert browser.get(address).status_code == 404
    content = payment_page(desk, Role.CLINICIAN)
    assert "$2.33" in content
    assert address not in content


def test_a_client_never_reads_a_fee(desk: Desk) -> None:
    browser, user = Browser(), make_user()
    Contact.objects.filter(pk=desk.contact.pk).update(user=user)
    browser.force_login(user)
    for address in (reverse("portal:history"), reverse("portal:payment", args=[desk.attempt.id])):
        content = browser.get(address).content.decode()
        assert "$70.00" in content, address
        assert "$2.33" not in content
        assert "deposit" not in content.lower()


def test_a_deposit_of_another_practice_is_not_found(desk: Desk) -> None:
    other = make_desk()
    for name in ("deposit", "deposit_csv"):
        assert desk.browser().get(reverse(f"desk:{name}", args=[other.deposit.id])).status_code == 404


def test_a_deposit_costs_the_same_for_many_parts(desk: Desk) -> None:
    browser = desk.browser()
    counts = []
    for number in (1, 30):
        for place in range(number):
            DepositPart.objects.create(
                practice=desk.practice, deposit=desk.deposit, entry_ref=f"e_{number}_{place}", kind="fee",
                gross_minor=-100,
            )  # fmt: skip
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(reverse("desk:deposit", args=[desk.deposit.id])).status_code == 200
        scoping = [query for query in queries if "set_config" in query["sql"]]
        assert len(scoping) <= 2  # on PostgreSQL alone: its second wall, taken down and put up again
        counts.append(len(queries) - len(scoping))
    assert counts[0] == counts[1] <= 12, counts


def put_before_a_person(desk: Desk) -> Review:
    Deposit.objects.filter(pk=desk.deposit.pk).update(state="failed")
    review_deposits(desk.deposit.processor_account, desk.deposit.made_at)
    return Review.objects.get(kind="deposit_returned")


def test_a_deposit_that_was_sent_back_stands_in_the_inbox_and_leads_to_its_page(desk: Desk) -> None:
    review = put_before_a_person(desk)
    content = desk.browser().get(reverse("desk:inbox")).content.decode()
    for words in ("The bank sent a deposit back", "goes out with a later deposit", "See the deposit"):
        assert words in content, words
    assert reverse("desk:deposit", args=[desk.deposit.id]) in content
    assert reverse("desk:review_close", args=[review.id]) in page(desk)


def test_it_is_closed_with_a_note_that_stays_on_the_deposit(desk: Desk) -> None:
    review = put_before_a_person(desk)
    address = reverse("desk:review_close", args=[review.id])
    empty = desk.browser().post(address, {"reason": ""})
    assert empty.status_code == 422
    assert desk.browser().post(address, {"reason": "New account number entered."}).status_code == 302
    review.refresh_from_db()
    assert review.closing_note == "New account number entered."
    assert "New account number entered." in page(desk)
    assert "The bank sent a deposit back" not in desk.browser().get(reverse("desk:inbox")).content.decode()


def test_whoever_may_not_close_it_is_shown_no_way_to(desk: Desk) -> None:
    review = put_before_a_person(desk)
    assert reverse("desk:review_close", args=[review.id]) not in page(desk, role=Role.FRONT_DESK)


def test_a_key_that_may_not_read_fees_is_told_with_what_to_do(desk: Desk) -> None:
    Attempt.objects.filter(pk=desk.attempt.pk).update(fee_minor=None)
    account = desk.attempt.processor_account
    type(account).objects.filter(pk=account.pk).update(
        deposits_until=None, connected_at=clock.now() - timedelta(hours=4)
    )
    content = payment_page(desk)
    assert "Not told: Paywell can&#x27;t read the fees of" in content or "Not told: Paywell can't read" in content
    assert "may read balances and payouts" in content
    for report in ("deposits", "payments"):
        page = desk.browser().get(reverse("desk:report", args=[report])).content.decode()
        assert "Paywell could not read the fees and deposits of" in page, report


def test_a_connection_of_an_hour_or_one_that_was_read_is_not_suspected(desk: Desk) -> None:
    Attempt.objects.filter(pk=desk.attempt.pk).update(fee_minor=None)
    account = desk.attempt.processor_account
    for until, connected in ((None, 1), (clock.now(), 100)):
        type(account).objects.filter(pk=account.pk).update(
            deposits_until=until, connected_at=clock.now() - timedelta(hours=connected)
        )
        assert "Not told yet" in payment_page(desk)
