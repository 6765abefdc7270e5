"""Every address of the project, found by walking the resolver, asked by people to whom nothing there belongs.

A new address is tried without being named here. One that anybody may open stands in `PUBLIC`; a new kind of id in
an address needs an owner's id in `ids_of`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from paywell.accounts.models import Role
from paywell.clients.models import BillingAccount, Client, Contact
from paywell.clients.tests.factories import make_contact, make_grant, make_portal_user
from paywell.core import clock
from paywell.desk.tests.factories import Desk, make_desk
from paywell.documents.receipts import issue_receipt
from paywell.payments.models import SavedCard
from paywell.payments.tests.fake_processor import FakeProcessor

#: What a person who is not signed in may open. Everything else leads to the sign-in page or is not found.
PUBLIC = {
    "api:health",
    "accounts:keep_alive",  # tells that nobody is signed in
    "accounts:invitation",  # without a good link: that it is not valid
    "accounts:invitation_link",
    "accounts:setup",  # closed for ever once there is a practice
    "accounts:setup_owner",
    "paylink:ask",  # says the same to everybody
    "account_login",
    "account_signup",  # closed: by invitation only
    "account_inactive",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_confirm_email",
    "account_email_verification_sent",
    "account_request_login_code",
    "account_confirm_login_code",
    "mfa_login_webauthn",
}
#: Known to the sign-in package alone, and looked up among the person's own.
OWN_ONLY = {"mfa_remove_webauthn", "mfa_edit_webauthn"}
MARK = "Quillfeather"
NOTES = "Between us two"


@dataclass(frozen=True)
class Address:
    name: str
    names_of_ids: tuple[str, ...]

    def path(self, ids: dict[str, Any]) -> str:
        return reverse(self.name, kwargs={name: ids[name] for name in self.names_of_ids})


def walk(patterns: list[Any], namespace: str = "", outer: tuple[str, ...] = ()) -> Iterator[Address]:
    for pattern in patterns:
        ids = (*outer, *pattern.pattern.regex.groupindex)
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from walk(pattern.url_patterns, inner, ids)
        elif isinstance(pattern, URLPattern):
            assert pattern.name, f"{pattern.pattern} has no name"
            yield Address(f"{namespace}{pattern.name}", ids)


ADDRESSES = {address.name: address for address in walk(get_resolver().url_patterns)}
#: Signed by the processor or by us, not by a session: tried in their own tests.
SIGNED = {"api:notices", "portal:return"} | {name for name in ADDRESSES if name.startswith("paylink:")} - PUBLIC
OF_PRACTICES = [a for name, a in ADDRESSES.items() if name.startswith(("portal:", "desk:")) and name not in SIGNED]


def ids_of(desk: Desk, name: str) -> dict[str, Any]:
    """An id of that practice for each name that stands in an address."""
    card = SavedCard.objects.create(
        practice=desk.practice, processor_account=desk.processor_account, contact=desk.contact, token=f"tok_{name}",
        customer_ref="cus_1", brand="visa", last4="4242", created_at=clock.now(),
    )  # fmt: skip
    invoice = desk.invoice if name.startswith("portal:") else desk.unpaid
    portal = {"invoice_id": invoice.id, "service_id": desk.service.id} if name.startswith("portal:") else {}
    return {
        **desk.ids(),
        "document_id": issue_receipt(desk.attempt).id,
        "card_id": card.id,
        "processor_account_id": desk.processor_account.id,
        "practice_id": desk.practice.id,
        "digest": "0000000000000000",
        "signature": "x",
        "token": "x",
        "key": "x-y",
        "kind": "autopay",
        "uidb36": "1",
        "pk": 1,
        **portal,
    }


@pytest.fixture
def there(db: None) -> Desk:
    """A practice whose every name says so."""
    desk = make_desk(name=f"{MARK} Practice")
    Client.objects.filter(practice=desk.practice).update(legal_last_name=MARK)
    Contact.objects.filter(practice=desk.practice).update(name=f"Ana {MARK}")
    BillingAccount.objects.filter(practice=desk.practice).update(name=f"Ana {MARK}")
    return desk


@pytest.fixture(autouse=True)
def _no_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gets as far as a processor meets one that takes no money."""
    monkeypatch.setattr("paywell.payments.processor_accounts.make_processor", lambda account: FakeProcessor())


def ask(browser: Browser, method: str, path: str) -> Any:
    return getattr(browser, method)(path, {})


def content_of(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return content.decode(errors="replace")


def test_the_list_of_public_addresses_names_only_what_there_is() -> None:
    assert ADDRESSES.keys() >= PUBLIC | SIGNED | OWN_ONLY
    assert len(OF_PRACTICES) > 60


@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_signed_in_sees_only_what_is_public(there: Desk, method: str) -> None:
    for name, address in ADDRESSES.items():
        if name in SIGNED or (method == "post" and name in PUBLIC):
            continue
        answer = ask(Browser(), method, address.path(ids_of(there, name)))
        if name in PUBLIC:
            assert answer.status_code < 500, name
        elif name in OWN_ONLY or not name.startswith(("portal:", "desk:")):
            assert answer.status_code in (302, 401, 404, 405), name
        else:
            assert answer.status_code in (302, 405), name
            assert answer.status_code == 405 or answer["Location"].startswith(reverse("account_login")), name
        assert MARK not in content_of(answer), name


def make_stranger(kind: str, here: Desk) -> Browser:
    if kind == "staff":
        return here.browser(Role.OWNER)
    browser = Browser()
    user, _client = make_portal_user(here.practice, may_see_documents=True, may_see_diagnosis=True)
    browser.force_login(user)
    return browser


@pytest.mark.parametrize("kind", ["client", "staff"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_id_of_another_practice_is_not_found_and_logged(
    there: Desk, kind: str, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    browser = make_stranger(kind, make_desk())
    for address in OF_PRACTICES:
        if not set(address.names_of_ids) - {"connector", "kind", "report", "notice"}:
            continue
        caplog.clear()
        answer = ask(browser, method, address.path(ids_of(there, address.name)))
        assert answer.status_code in (404, 405), address.name
        assert MARK not in content_of(answer), address.name
        if answer.status_code == 404:
            assert any(record.name == "paywell.security" for record in caplog.records), address.name


@pytest.mark.parametrize("kind", ["client", "staff"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_page_without_an_id_shows_nothing_of_another_practice(there: Desk, kind: str, method: str) -> None:
    browser = make_stranger(kind, make_desk())
    for name, address in ADDRESSES.items():
        if address.names_of_ids or name == "account_logout":
            continue
        answer = ask(browser, method, address.path({}))
        content = content_of(answer)
        assert answer.status_code < 500, name
        assert MARK not in content, name
        assert str(there.client.id) not in content, name


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_payer_without_rights_reads_no_document_and_no_wording(db: None, method: str) -> None:
    desk = make_desk()
    contact = make_contact(desk.practice)
    grant = make_grant(contact, desk.client, role="payer", may_pay=False)
    user, _client = make_portal_user(make_desk().practice)
    type(contact).objects.filter(pk=contact.pk).update(user=user)
    type(grant).objects.filter(contact__user=user).exclude(pk=grant.pk).delete()
    type(desk.attempt).objects.filter(pk=desk.attempt.pk).update(notes=NOTES)
    browser = Browser()
    browser.force_login(user)
    for address in OF_PRACTICES:
        answer = ask(browser, method, address.path(ids_of(desk, address.name)))
        content = content_of(answer)
        assert answer.status_code < 500, address.name
        if address.name.startswith("desk:"):
            assert answer.status_code in (404, 405), address.name
        if "superbill" in address.name or "card_" in address.name:
            assert answer.status_code in (404, 405), address.name
        for secret in ("F41.1", "Individual session", "4242", NOTES):
            assert secret not in content, (address.name, secret)
