"""Charging saved cards at the desk, one and many; plans; holding and ending."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from paywell.accounts.models import Role
from paywell.accounts.tests.factories import make_user
from paywell.accounts.types import StaffViewer
from paywell.agreements.models import Agreement, AgreementKind, Charge, ChargeLine, Plan
from paywell.billing.questions import answer_question
from paywell.clients.models import Contact
from paywell.core import clock
from paywell.core.ids import new_id
from paywell.desk.tests.factories import Desk
from paywell.payments import processor_accounts
from paywell.payments.models import Attempt, SavedCard
from paywell.payments.tests.fake_processor import FakeProcessor
from paywell.processors.contract import Style
from paywell.work.jobs import run_due
from paywell.work.models import Work


def url(name: str, *ids: Any) -> str:
    return reverse(f"desk:{name}", args=ids)


@pytest.fixture
def processor(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> FakeProcessor:
    fake = FakeProcessor(Style.INLINE)
    monkeypatch.setattr(processor_accounts, "make_processor", lambda account: fake)
    type(desk.practice).objects.update(payments_allowed=True)
    return fake


def agree(desk: Desk, limit: int = 10_000) -> Agreement:
    """The client's own yes to charges by staff."""
    user = make_user()
    Contact.objects.filter(pk=desk.contact.pk).update(user=user)
    return Agreement.objects.create(
        practice=desk.practice, kind=AgreementKind.STAFF, account=desk.client.default_account, contact=desk.contact,
        user=user, card=SavedCard.objects.get(last4="1881"), wording_version="staff-1", agreed_at=clock.now(),
        currency="USD", charge_limit_minor=limit,
    )  # fmt: skip


def test_without_an_agreement_there_is_no_button_but_the_reason(desk: Desk) -> None:
    text = desk.browser().get(url("charge_card", desk.client.id)).content.decode()
    assert "Nobody agreed that the practice charges a card" in text
    assert "Charge the card" not in text
    assert "What you can do instead" in text
    main = text.partition("<main")[2]
    assert '<form method="post" class="card' not in main  # no empty card


def test_an_agreement_that_can_not_charge_says_why_on_both_pages(desk: Desk, processor: FakeProcessor) -> None:
    agreement = agree(desk)
    SavedCard.objects.filter(pk=agreement.card_id).update(exp_year=2020)
    browser = desk.browser()
    for page in ("charge_card", "client_agreements"):
        assert "The card has expired." in browser.get(url(page, desk.client.id)).content.decode()
    assert "What you can do instead" in browser.get(url("charge_card", desk.client.id)).content.decode()


def test_a_part_is_charged_within_the_agreement(desk: Desk, processor: FakeProcessor) -> None:
    agree(desk)
    browser, page = desk.browser(Role.FRONT_DESK), url("charge_card", desk.client.id)
    text = browser.get(page).content.decode()
    assert "Visa 1881" in text
    assert 'value="100.00"' in text
    refused = browser.post(page, {"key": "k0", "amount": "100.01"})
    assert "at most $100.00" in refused.content.decode()
    assert Attempt.objects.exclude(pk=desk.attempt.pk).count() == 0
    for _ in range(2):
        assert browser.post(page, {"key": "k1", "amount": "40.00"}).status_code == 302
    attempt = Attempt.objects.exclude(pk=desk.attempt.pk).get()
    assert (attempt.captured_minor, attempt.channel) == (4_000, "staff")


def tick(agreement: Agreement, amount: str, **more: str) -> dict[str, str]:
    """What the batch's form sends for one account."""
    account = agreement.account_id.hex
    return {f"pay_{account}": "on", f"amount_{account}": amount} | {f"{k}_{account}": v for k, v in more.items()}


def test_a_batch_shows_every_skip_and_charges_in_the_worker(desk: Desk, processor: FakeProcessor) -> None:
    browser, page = desk.browser(), url("charge_batch")
    text = browser.get(page).content.decode()
    assert "its owner did not agree" in text
    assert "Charge the ticked cards" not in text
    agreement = agree(desk)
    assert "$100.00" in browser.get(page).content.decode()
    refused = browser.post(page, {"key": "k"})
    assert refused.status_code == 422
    assert "Nothing was charged" in refused.content.decode()
    for _ in range(2):
        answer = browser.post(page, {"key": "k1"} | tick(agreement, "100.00"))
    work = Work.objects.get(kind="charge_cards")
    assert answer["Location"] == url("work", work.id)
    assert Attempt.objects.count() == 1
    run_due.call()
    work.refresh_from_db()
    assert (work.state, work.done) == ("done", 1)
    assert "<p>1 card was charged, $100.00.</p>" in browser.get(url("work", work.id)).content.decode()
    assert Charge.objects.get(agreement=agreement).state == "done"


def test_a_batch_charges_a_part_where_one_is_entered(desk: Desk, processor: FakeProcessor) -> None:
    agreement = agree(desk)
    browser, page = desk.browser(), url("charge_batch")
    for amount, why in (("100.01", "At most $100.00."), ("", "Enter an amount"), ("ten", "amount")):
        refused = browser.post(page, {"key": "k1"} | tick(agreement, amount))
        assert refused.status_code == 422
        assert why in refused.content.decode()
    assert not Work.objects.filter(kind="charge_cards").exists()
    browser.post(page, {"key": "k1"} | tick(agreement, "35.50"))
    run_due.call()
    assert Charge.objects.get(agreement=agreement).amount_minor == 3_550
    assert Attempt.objects.exclude(pk=desk.attempt.pk).get().captured_minor == 3_550


def test_a_batch_charges_the_card_that_is_chosen_of_several(desk: Desk, processor: FakeProcessor) -> None:
    first = agree(desk)
    other = Agreement.objects.get(pk=first.pk)
    card = SavedCard.objects.get(pk=first.card_id)
    card.pk, card.token, card.last4, card.is_default = new_id(), "tok_other", "4444", False
    card.save(force_insert=True)
    contact = Contact.objects.get(pk=first.contact_id)
    contact.pk, contact.name, contact.user = new_id(), "Sam Brook", None
    contact.save(force_insert=True)
    grant = first.contact.grants.first()
    assert grant is not None
    grant.pk, grant.contact = new_id(), contact
    grant.save(force_insert=True)
    user = make_user()
    Contact.objects.filter(pk=contact.pk).update(user=user)
    SavedCard.objects.filter(pk=card.pk).update(contact=contact)
    other.pk, other.contact, other.card, other.user = new_id(), contact, card, user
    other.charge_limit_minor, other.agreed_at = 6_000, clock.now()
    other.save(force_insert=True)
    browser, page = desk.browser(), url("charge_batch")
    text = browser.get(page).content.decode()
    assert "Visa 4444, Sam Brook ($60.00)" in text
    above = browser.post(page, {"key": "k1"} | tick(first, "60.01", by=str(other.pk)))
    assert "At most $60.00." in above.content.decode()
    browser.post(page, {"key": "k1"} | tick(first, "60.00", by=str(other.pk)))
    run_due.call()
    assert [(each.agreement_id, each.state) for each in Charge.objects.filter(agreement__in=[first, other])] == [
        (other.pk, "done")
    ]


def test_a_batch_with_an_account_that_cant_be_charged_any_more_charges_nobody(
    desk: Desk, processor: FakeProcessor
) -> None:
    agreement = agree(desk)
    Agreement.objects.filter(pk=agreement.pk).update(ended_at=clock.now(), ended_by=agreement.user)
    refused = desk.browser().post(url("charge_batch"), {"key": "k1"} | tick(agreement, "10.00"))
    assert refused.status_code == 422
    assert "can&#x27;t be charged any more" in refused.content.decode()
    assert not Work.objects.filter(kind="charge_cards").exists()


def test_a_plan_is_offered_and_withdrawn(desk: Desk) -> None:
    browser = desk.browser()
    Plan.objects.update(withdrawn_at=clock.now())
    line = desk.unpaid.lines.get()
    said = {"lines": [str(line.id)], "count": "4", "every": "month", "first_on": "2099-01-31"}
    assert browser.post(url("plan_new", desk.client.id), said | {"count": "1"}).status_code == 422
    assert browser.post(url("plan_new", desk.client.id), said).status_code == 302
    plan = Plan.objects.get(withdrawn_at=None)
    assert [each.amount_minor for each in plan.installments.order_by("number")] == [3_500] * 4
    text = browser.get(url("client_agreements", desk.client.id)).content.decode()
    assert "Payment plan over $140.00" in text
    assert "Feb 28, 2099" in text
    browser.post(url("plan_withdraw", desk.client.id, plan.id))
    assert "over $140.00" not in browser.get(url("client_agreements", desk.client.id)).content.decode()


def test_staff_hold_let_go_on_and_end(desk: Desk) -> None:
    browser, row = desk.browser(), desk.charge.agreement
    browser.post(url("agreement_hold", desk.client.id, row.id), {"held": "yes"})
    assert "On hold" in browser.get(url("client_agreements", desk.client.id)).content.decode()
    browser.post(url("agreement_hold", desk.client.id, row.id), {"held": "no"})
    row.refresh_from_db()
    assert row.held_at is None
    browser.post(url("agreement_end", desk.client.id, row.id))
    row.refresh_from_db()
    assert row.ended_at is not None
    assert "Ended agreements" in browser.get(url("client_agreements", desk.client.id)).content.decode()


def owe(desk: Desk) -> None:
    """What the failed charge was for: the half paid service."""
    desk.browser()
    charge = desk.charge
    charge.lines.create(practice=desk.practice, line_id=desk.question.line_id, amount_minor=7_000)
    Contact.objects.filter(pk=desk.contact.pk).update(user=charge.agreement.user)
    owner = StaffViewer(desk.members[Role.OWNER].user_id, desk.practice, Role.OWNER)
    answer_question(viewer=owner, question=desk.question, answer="Yes.")


def test_a_failed_charge_is_made_again_from_the_inbox_and_the_record(desk: Desk, processor: FakeProcessor) -> None:
    owe(desk)
    browser, again = desk.browser(Role.FRONT_DESK), url("charge_again", desk.charge.id)
    for page in (url("inbox"), url("client_agreements", desk.client.id)):
        assert again in browser.get(page).content.decode()
    for _ in range(2):
        answer = browser.post(again, {"client": str(desk.client.id)})
        assert answer["Location"] == url("client_agreements", desk.client.id)
    text = browser.get(answer["Location"]).content.decode()
    assert "$70.00 is charged on" in text
    assert again not in text
    desk.charge.refresh_from_db()
    assert (desk.charge.state, Attempt.objects.count()) == ("planned", 1)


def test_a_charge_that_can_not_be_made_again_says_why(desk: Desk, processor: FakeProcessor) -> None:
    owe(desk)
    SavedCard.objects.filter(pk=desk.charge.agreement.card_id).update(exp_year=2020)
    text = desk.browser().post(url("charge_again", desk.charge.id), follow=True).content.decode()
    assert "The card has expired. Nothing was charged." in text
    desk.charge.refresh_from_db()
    assert desk.charge.state == "failed"


def test_what_the_payer_put_on_hold_has_no_button_that_refuses(desk: Desk, processor: FakeProcessor) -> None:
    agreement = agree(desk)
    browser, address = desk.browser(), url("client_agreements", desk.client.id)
    hold = url("agreement_hold", desk.client.id, agreement.id)
    Agreement.objects.filter(pk=agreement.pk).update(held_at=clock.now(), held_by=agreement.user)
    page = browser.get(address).content.decode()
    assert "The payer put it on hold, and lets it go on." in page
    assert hold not in page
    Agreement.objects.filter(pk=agreement.pk).update(held_by=desk.members[Role.OWNER].user)
    assert hold in browser.get(address).content.decode()


def test_a_charge_says_for_which_services_it_is(desk: Desk, processor: FakeProcessor) -> None:
    line = desk.charge.lines.select_related("line").first() or ChargeLine.objects.create(
        practice=desk.practice, charge=desk.charge, line_id=desk.question.line_id, amount_minor=100
    )
    page = desk.browser().get(url("client_agreements", desk.client.id)).content.decode()
    assert url("service", line.line.service_id) in page


def test_all_that_is_wrong_with_a_plan_is_told_at_once(desk: Desk) -> None:
    form = {"lines": [str(desk.unpaid.lines.get().id)], "count": "1", "every": "month", "first_on": "2020-01-01"}
    answer = desk.browser().post(url("plan_new", desk.client.id), form)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "Enter 2 or more." in text
    assert "Choose a first day after today, so that the payer can agree before." in text
    assert Plan.objects.get() == desk.plan
