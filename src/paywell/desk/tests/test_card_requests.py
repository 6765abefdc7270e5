"""The re-collection list at the desk: who is written to, who was, and why others are not."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from paywell.accounts.models import Role, User
from paywell.clients.models import Contact, Grant
from paywell.core import clock
from paywell.desk.tests.factories import Desk
from paywell.notifications.card_requests import KIND
from paywell.outbox.delivery import deliver_due
from paywell.outbox.models import OutboxEvent
from paywell.payments.models import ProcessorAccount, SavedCard


def url(name: str, *ids: Any) -> str:
    return reverse(f"desk:{name}", args=ids)


@pytest.fixture
def left(desk: Desk) -> Desk:
    """Dana's card stayed at a processor before; so did that of somebody who can't sign in."""
    now = clock.now()
    earlier = ProcessorAccount.objects.create(
        practice=desk.practice, connector="test_two_step", settings={}, is_active=False, connected_at=now,
        disconnected_at=now,
    )  # fmt: skip
    SavedCard.objects.update(removed_at=now)
    Contact.objects.filter(pk=desk.contact.pk).update(user=User.objects.create_user("dana@example.org"))
    Grant.objects.filter(contact=desk.contact).update(may_pay=True, valid_from=now.date(), valid_until=None)
    silent = Contact.objects.create(practice=desk.practice, name="Abe Silent", created_at=now)
    for contact in (desk.contact, silent):
        SavedCard.objects.create(
            practice=desk.practice, processor_account=earlier, contact=contact, token=f"c{contact.id}",
            customer_ref="cus", brand="visa", last4="4242", created_at=now,
        )  # fmt: skip
    return desk


def events() -> int:
    return OutboxEvent.objects.filter(kind=KIND).count()


def test_one_press_writes_once_and_the_list_says_when(left: Desk) -> None:
    browser = left.browser()
    text = browser.get(url("recollect")).content.decode()
    assert f'name="payer" value="{left.contact.id}"' in text
    assert "please add a card again" in text
    assert "No sign-in, so no address to send to" in text
    answer = browser.post(url("recollect_ask"), {"who": "all"}, follow=True).content.decode()
    assert "1 e-mail is on its way." in answer
    assert "Left out: Abe Silent (No sign-in, so no address to send to)." in answer
    assert "On its way since" in answer
    assert events() == 1
    again = browser.post(url("recollect_ask"), {"who": "all"}, follow=True).content.decode()
    assert "Nothing was sent: nobody is left to write to." in again
    assert events() == 1
    deliver_due()
    text = browser.get(url("recollect")).content.decode()
    assert "Sent " in text
    assert 'name="payer"' not in text


def test_only_those_chosen_are_written_to(left: Desk) -> None:
    browser = left.browser(Role.BILLER)
    for nobody in ({}, {"payer": "no id"}):
        answer = browser.post(url("recollect_ask"), {"who": "chosen"} | nobody, follow=True)
        assert "Choose somebody first" in answer.content.decode()
    assert events() == 0
    browser.post(url("recollect_ask"), {"who": "chosen", "payer": str(left.contact.id)})
    assert OutboxEvent.objects.get(kind=KIND).payload == {"contact_id": str(left.contact.id)}


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.READ_ONLY, Role.CLINICIAN])
def test_who_may_only_look_sees_the_list_without_a_button(left: Desk, role: Role) -> None:
    browser = left.browser(role)
    text = browser.get(url("recollect")).content.decode()
    assert "recollect_ask" not in text
    assert url("recollect_ask") not in text
    assert url("reports") in text
    assert url("recollect") in browser.get(url("report", "card-expiry")).content.decode()
    assert browser.post(url("recollect_ask"), {"who": "all"}).status_code == 404
    assert events() == 0
