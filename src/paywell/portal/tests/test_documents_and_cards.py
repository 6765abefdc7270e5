"""product.md 1.2 (Documents), 1.5 (saved cards), 1.8 (whose account is open)."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client as Browser
from django.urls import reverse

from paywell.clients.models import BillingAccount, Client, Contact, Grant, GrantRole
from paywell.core import clock
from paywell.payments.models import Attempt, SavedCard
from paywell.payments.tests.factories import World, make_line
from paywell.portal.tests.pages import fill, pay, text
from paywell.portal.tests.test_window import save_card

DOCUMENTS = "/portal/documents/"
CARDS = "/portal/cards/"


def test_documents_lists_paid_and_open_services_with_both_prints(browser: Browser, world: World) -> None:
    paid, owed = make_line(world), make_line(world)
    pay(browser, paid)
    response = browser.get(DOCUMENTS)
    assert text(response).count("Print Invoice") == 2
    assert text(response).count("Print Superbill") == 2
    for line in (paid, owed):
        assert reverse("portal:invoice_pdf", args=[line.invoice_id]) in response.content.decode()


def test_what_is_paid_stays_for_ever_also_while_nothing_can_be_paid_online(browser: Browser, world: World) -> None:
    paid = make_line(world)
    pay(browser, paid)
    attempt = Attempt.objects.get()
    type(world.practice).objects.update(payments_allowed=False)
    with clock.set_to(clock.now() + timedelta(days=3650)):
        later = Browser()
        later.force_login(world.user)
        assert reverse("portal:invoice_pdf", args=[paid.invoice_id]) in later.get(DOCUMENTS).content.decode()
        for name, key in (("receipt", attempt.id), ("receipt_pdf", attempt.id), ("why", paid.id)):
            assert later.get(reverse(f"portal:{name}", args=[key])).status_code == 200, name
        assert "$120.00" in text(later.get("/portal/payments/"))


def test_a_payer_without_the_right_sees_amounts_and_no_service_and_no_superbill(
    browser: Browser, world: World
) -> None:
    Grant.objects.update(may_see_documents=False, may_see_diagnosis=False)
    make_line(world)
    for path in (DOCUMENTS, "/portal/pay/"):
        page = text(browser.get(path))
        assert "$120.00" in page
        assert "Session" not in page
        assert "Print Superbill" not in page


def test_documents_of_another_practice_are_a_404(browser: Browser, world: World, another) -> None:
    theirs = make_line(another("Hillside"))
    for name, key in (("invoice", theirs.invoice_id), ("superbill", theirs.service_id)):
        assert browser.get(reverse(f"portal:{name}", args=[key])).status_code == 404
        assert browser.get(reverse(f"portal:{name}_pdf", args=[key])).status_code == 404


def test_cards_show_expiry_name_default_owner_since_when_and_every_use(browser: Browser, world: World) -> None:
    card = save_card(world, name="HSA")
    pay(browser, make_line(world), card=str(card.id), card_token=None)
    page = text(browser.get(CARDS))
    for words in ("HSA Visa 4242", "Default", "Expires 08/31", "Mia Stone (you), nobody else", "Saved", "1 use"):
        assert words in page
    assert "$120.00" in page


def test_a_card_can_be_named_made_default_and_removed_also_the_last_one(browser: Browser, world: World) -> None:
    card = save_card(world, is_default=False)
    browser.post(reverse("portal:card_rename", args=[card.id]), {"name": "<b>Mine</b>"})
    browser.post(reverse("portal:card_default", args=[card.id]))
    card.refresh_from_db()
    assert (card.name, card.is_default) == ("<b>Mine</b>", True)
    assert "&lt;b&gt;Mine&lt;/b&gt;" in browser.get(CARDS).content.decode()
    remove = reverse("portal:card_remove", args=[card.id])
    assert "Remove Visa 4242?" in text(browser.get(remove))
    card.refresh_from_db()
    assert card.removed_at is None
    page = text(browser.post(remove, follow=True))
    assert "Visa 4242 is removed." in page
    assert "No saved cards" in page
    card.refresh_from_db()
    assert card.removed_at is not None


def test_a_removed_card_can_t_be_charged_by_a_window_that_was_open(
    browser: Browser, world: World, processor
) -> None:
    card = save_card(world)
    data = fill(browser, make_line(world), card=str(card.id))
    browser.post(reverse("portal:card_remove", args=[card.id]))
    response = browser.post(reverse("portal:pay_start"), data)
    assert response.status_code == 422
    assert processor.taken == 0


def test_another_payer_s_card_is_a_404_and_stays_as_it_is(browser: Browser, world: World) -> None:
    other = Contact.objects.create(practice=world.practice, name="Other", created_at=clock.now())
    card = save_card(world, contact=other, last4="1111")
    for name in ("card_rename", "card_default", "card_remove"):
        assert browser.post(reverse(f"portal:{name}", args=[card.id]), {"name": "x"}).status_code == 404
    assert "1111" not in text(browser.get(CARDS))
    kept = SavedCard.objects.get()
    assert (kept.name, kept.removed_at) == ("", None)


def _second_account(world: World) -> BillingAccount:
    now = clock.now()
    account = BillingAccount.objects.create(practice=world.practice, name="Leo Stone", created_at=now)
    leo = Client.objects.create(
        practice=world.practice, legal_first_name="Leo", legal_last_name="Stone", default_account=account,
        created_at=now,
    )  # fmt: skip
    Grant.objects.create(
        practice=world.practice, contact=world.contact, client=leo, account=account, role=GrantRole.GUARDIAN,
        valid_from="2026-01-01", created_at=now,
    )  # fmt: skip
    return account


def test_whose_account_is_open_is_shown_and_can_be_switched(browser: Browser, world: World) -> None:
    assert "Open another account" not in text(browser.get("/portal/"))
    account = _second_account(world)
    assert "Open another account" in text(browser.get("/portal/"))
    page = text(browser.post(reverse("portal:switch"), {"account": str(account.id)}, follow=True))
    assert "Open account: Leo Stone" in page


def test_switching_goes_only_by_post_and_only_to_one_s_own(browser: Browser, world: World, another) -> None:
    theirs = another("Hillside").account
    assert browser.get(reverse("portal:switch")).status_code == 405
    assert browser.post(reverse("portal:switch"), {"account": str(theirs.id)}).status_code == 404
    assert browser.post(reverse("portal:switch"), {"account": "x"}).status_code == 404
    assert "Riverside" in text(browser.get("/portal/"))


def test_the_result_of_a_payment_on_one_s_other_account_opens_that_account(browser: Browser, world: World) -> None:
    pay(browser, make_line(world, 12000), amount="50.00")
    result = reverse("portal:payment", args=[Attempt.objects.get().id])
    other = _second_account(world)
    browser.post(reverse("portal:switch"), {"account": str(other.id)})
    page = text(browser.get(result, follow=True))
    assert "Paid $50.00" in page
    assert "Open account: Mia Stone" in page


def test_an_empty_shelf_offers_no_superbill_to_who_may_not_have_one(browser: Browser, world: World) -> None:
    address = "/portal/documents/?show=statements"
    assert "a statement, a superbill or a yearly statement" in text(browser.get(address))
    Grant.objects.filter(contact=world.contact).update(may_see_documents=False, may_see_diagnosis=False)
    assert "You can make a statement or a yearly statement yourself." in text(browser.get(address))
