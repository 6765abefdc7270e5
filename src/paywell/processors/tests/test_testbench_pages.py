"""The test processor's pages: the fields in a frame, the payment page, and what they must never do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.management import CommandError, call_command

from paywell.core.ids import new_key, new_reference
from paywell.processors.testbench.app import Running, make_app
from paywell.processors.testbench.store import Store, Timing

PARENT = "http://127.0.0.1:8000"
RETURN_URL = "http://127.0.0.1:8000/portal/return/1/sig/"
CANCEL_URL = "http://127.0.0.1:8000/portal/pay/"
CARD = {"number": "4242 4242 4242 4242", "exp": "12/40", "cvc": "123", "zip": "94107"}
HEADERS = {"Authorization": "Bearer secret-key", "Test-Account": "acct_1"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "data.sqlite3", Timing(silence_s=0.1, late_s=60))
    yield store
    store.close()


@pytest.fixture
def web(store: Store) -> Iterator[httpx.Client]:
    with httpx.Client(transport=httpx.WSGITransport(app=make_app(store)), base_url="http://testbench") as client:
        yield client


def make_session(web: httpx.Client, style: str = "hosted", **changes: Any) -> dict[str, Any]:
    body = {
        "style": style, "reference": new_reference(), "amount": 12000, "currency": "USD",
        "label": "Willow & <Creek>", "return_url": RETURN_URL, "cancel_url": CANCEL_URL, "payer": "PAYER1",
        **changes,
    }  # fmt: skip
    response = web.post("/v1/charges", json=body, headers={**HEADERS, "Idempotency-Key": new_key()})
    assert response.status_code == 200, response.text
    return dict(response.json())


def charge(web: httpx.Client, session: dict[str, Any]) -> dict[str, Any]:
    return dict(web.get(f"/v1/charges/{session['id']}", headers=HEADERS).json())


def test_the_frame_may_be_shown_by_its_parent_alone(web: httpx.Client) -> None:
    response = web.get("/fields/", params={"account": "acct_1", "parent": PARENT})
    assert response.status_code == 200
    policy = response.headers["content-security-policy"]
    assert f"frame-ancestors {PARENT};" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert f'data-parent="{PARENT}"' in response.text
    for autocomplete in ("cc-number", "cc-exp", "cc-csc", "postal-code"):
        assert f'autocomplete="{autocomplete}"' in response.text


@pytest.mark.parametrize(
    "parent",
    [
        "", "*", "null", "https://elsewhere.example.org", "http://127.0.0.1:8000/",
        "http://127.0.0.1:8000; script-src *", "http://127.0.0.1:8000.example.org", "http://localhost.example.org",
    ],
)  # fmt: skip
def test_an_unknown_parent_gets_no_fields(web: httpx.Client, parent: str) -> None:
    response = web.get("/fields/", params={"account": "acct_1", "parent": parent})
    assert response.status_code == 403
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    assert "cc-number" not in response.text


def test_once_a_portal_is_registered_no_other_may_show_the_fields(web: httpx.Client) -> None:
    ours = "https://portal.example.org"
    web.put("/v1/account", json={"portal_origin": ours}, headers=HEADERS)
    assert web.get("/fields/", params={"account": "acct_1", "parent": ours}).status_code == 200
    assert web.get("/fields/", params={"account": "acct_1", "parent": PARENT}).status_code == 403


def test_the_fields_make_a_token_or_say_at_each_field_what_is_wrong(web: httpx.Client) -> None:
    own = {"Origin": "http://testbench"}
    made = web.post("/fields/tokens/", json={"account": "acct_1", **CARD}, headers=own).json()
    assert made == {"token": made["token"], "brand": "Visa", "last4": "4242"}
    wrong = web.post("/fields/tokens/", json={"account": "acct_1"}, headers=own)
    assert wrong.status_code == 422
    assert set(wrong.json()["errors"]) == {"number", "exp", "cvc", "zip"}


@pytest.mark.parametrize("origin", [None, PARENT, "null"])
def test_nobody_else_makes_tokens(web: httpx.Client, origin: str | None) -> None:
    headers = {"Origin": origin} if origin else {}
    assert web.post("/fields/tokens/", json={"account": "acct_1", **CARD}, headers=headers).status_code == 403


def test_the_page_shows_label_amount_and_methods_with_the_agreed_words(web: httpx.Client) -> None:
    page = web.get(make_session(web)["next_url"]).text
    assert "Willow &amp; &lt;Creek&gt;" in page
    for words in ("New Payment Method", "Save for Future Use", "Submit", "$120.00", "no real money"):
        assert words in page
    assert "Saved Payment Method" not in page
    assert f'href="{CANCEL_URL}"' in page
    assert not re.search(r'name="save"[^>]*checked', page)


def test_without_a_payer_no_card_can_be_kept(web: httpx.Client) -> None:
    session = make_session(web, payer="")
    assert "Save for Future Use" not in web.get(session["next_url"]).text
    web.post(session["next_url"], data={**CARD, "save": "yes"})
    assert charge(web, session)["kept_card"] == ""


def test_submit_pays_and_leads_back_by_get(web: httpx.Client) -> None:
    session = make_session(web)
    response = web.post(session["next_url"], data=CARD)
    assert (response.status_code, response.headers["location"]) == (303, RETURN_URL)
    assert charge(web, session)["amount_captured"] == 12000


def test_pressing_submit_twice_pays_once(web: httpx.Client) -> None:
    session = make_session(web)
    answers = [web.post(session["next_url"], data={**CARD, "save": "yes"}) for _ in range(2)]
    assert [(each.status_code, each.headers["location"]) for each in answers] == [(303, RETURN_URL)] * 2
    assert charge(web, session)["amount_captured"] == 12000


def test_a_decline_stays_on_the_page_in_plain_words(web: httpx.Client) -> None:
    session = make_session(web)
    page = web.post(session["next_url"], data={**CARD, "number": "4000000000009995"})
    assert page.status_code == 402
    assert "insufficient funds. You have not been charged. Try another card" in page.text
    assert web.post(session["next_url"], data=CARD).headers["location"] == RETURN_URL


def test_a_kept_card_is_offered_next_time_and_pays(web: httpx.Client) -> None:
    web.post(make_session(web)["next_url"], data={**CARD, "save": "yes"})
    session = make_session(web)
    page = web.get(session["next_url"]).text
    assert "Saved Payment Method" in page
    assert "Visa 4242, expires 12/40" in page
    token = re.search(r'value="(card_[0-9a-f]+)" checked', page)
    assert token is not None
    assert web.post(session["next_url"], data={"method": token[1]}).headers["location"] == RETURN_URL


def test_a_mistyped_card_is_explained_at_the_field_and_never_shown_again(web: httpx.Client) -> None:
    session = make_session(web)
    page = web.post(session["next_url"], data={**CARD, "number": "4242424242424241", "cvc": "987"})
    assert page.status_code == 422
    assert "This card number is not valid. Check the digits." in page.text
    assert 'aria-invalid="true"' in page.text
    assert "4242424242424241" not in page.text
    assert "987" not in page.text


def test_the_bank_s_page_leads_back_to_the_payment_or_to_the_portal(web: httpx.Client) -> None:
    session = make_session(web)
    bank = web.post(session["next_url"], data={**CARD, "number": "4000002500003155"}).headers["location"]
    assert bank.startswith("/bank/")
    assert "Approve" in web.get(bank).text
    refused = web.post(bank, data={"answer": "refuse"})
    assert refused.headers["location"].startswith("/pay/")
    assert (
        "could not confirm that it was you. You have not been charged" in web.get(refused.headers["location"]).text
    )
    web.post(session["next_url"], data={**CARD, "number": "4000002500003155"})
    assert web.post(bank, data={"answer": "approve"}).headers["location"] == RETURN_URL


def test_a_closed_payment_takes_nothing_and_says_so(web: httpx.Client) -> None:
    session = make_session(web)
    web.post("/v1/charges/cancel", json={"reference": session["reference"]}, headers=HEADERS)
    for response in (web.get(session["next_url"]), web.post(session["next_url"], data=CARD)):
        assert response.status_code == 410
        assert "You have not been charged" in response.text
    assert charge(web, session)["amount_captured"] == 0


def test_no_page_sets_a_cookie_runs_foreign_code_or_may_be_framed(web: httpx.Client) -> None:
    session = make_session(web)
    for path in ("/", session["next_url"]):
        response = web.get(path)
        policy = response.headers["content-security-policy"]
        assert "set-cookie" not in response.headers
        assert "script-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
    assert f"form-action 'self' {PARENT};" in web.get(session["next_url"]).headers["content-security-policy"]


def test_no_card_number_is_kept(web: httpx.Client, store: Store, tmp_path: Path) -> None:
    web.post(make_session(web)["next_url"], data={**CARD, "number": "4242424242424242", "save": "yes"})
    web.post("/fields/tokens/", json={"account": "acct_1", **CARD}, headers={"Origin": "http://testbench"})
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"4242" in kept
    assert b"42424242" not in kept
    assert b"4242 4242" not in kept


def test_unknown_addresses_are_not_found(web: httpx.Client) -> None:
    for path in ("/pay/nobody/", "/bank/nobody/", "/nowhere/", "/static/secret.py"):
        assert web.get(path).status_code == 404


def test_a_wrong_key_opens_nothing(web: httpx.Client) -> None:
    session = make_session(web)
    wrong = {**HEADERS, "Authorization": "Bearer another-key"}
    assert web.get(f"/v1/charges/{session['id']}", headers=wrong).status_code == 401
    assert web.get(f"/v1/charges/{session['id']}").status_code == 401


def test_it_keeps_its_data_from_one_start_to_the_next(tmp_path: Path) -> None:
    path = tmp_path / "data.sqlite3"
    store = Store(path)
    with Running(store) as running, httpx.Client(base_url=running.base_url) as web:
        session = make_session(web)
    store.close()
    store = Store(path)
    with Running(store) as running, httpx.Client(base_url=running.base_url) as web:
        assert charge(web, session)["status"] == "reserved"
    store.close()


def test_it_refuses_to_start_where_test_processors_are_turned_off(settings: Any, tmp_path: Path) -> None:
    settings.ALLOW_TEST_PROCESSORS = False
    with pytest.raises(CommandError, match="turned off"):
        call_command("test_processor", data=tmp_path / "data.sqlite3")
