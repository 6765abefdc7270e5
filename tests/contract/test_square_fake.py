"""The stand-in for Square against what is published about the real one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from paywell.core.ids import new_key
from tests.contract import rig as cards
from tests.contract.square_rig import SquareRig
from tests.contract.square_schema import ABSENT, find_operation, find_problems, read_description


def call(rig: SquareRig, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {rig.secrets['access_token']}"}
    answer = httpx.request(method, f"{rig.base_url}{path}", json=body, headers=headers)
    return answer.status_code, answer.json()


def authorize(rig: SquareRig, key: str = "", card: str = cards.PAID, **more: Any) -> tuple[int, dict[str, Any]]:
    body = {
        "source_id": rig.token(card), "idempotency_key": key or new_key(), "autocomplete": False,
        "amount_money": {"amount": 12000, "currency": "USD"}, "location_id": rig.settings["location_id"], **more,
    }  # fmt: skip
    return call(rig, "POST", "/v2/payments", body)


def code_of(answer: tuple[int, dict[str, Any]]) -> str:
    return str(answer[1]["errors"][0]["code"])


def test_the_description_judges_requests() -> None:
    if read_description() is None:
        pytest.skip(ABSENT)
    assert find_operation("POST", "/v2/payments/abc/complete") is not None
    assert find_operation("POST", "/v2/nothing") is None
    long_key = b'{"source_id": "cnon:x", "idempotency_key": "' + b"k" * 46 + b'"}'
    assert len(find_problems("POST", "/v2/payments", "", long_key)) == 1
    assert find_problems("POST", "/v2/payments", "", b'{"idempotency_key": "k"}') != []
    assert find_problems("POST", "/v2/payments", "", b'{"source_id":"x","idempotency_key":"k","tip":1}') != []
    assert find_problems("GET", "/v2/payments", "reference_id=x", b"") == ["query reference_id"]  # no such filter


def test_a_key_gives_the_same_payment_again_and_refuses_other_content(square: SquareRig) -> None:
    token, key = square.token(cards.PAID), new_key()
    first, again = (authorize(square, key, source_id=token) for _ in range(2))
    assert first[1]["payment"]["id"] == again[1]["payment"]["id"]
    assert code_of(authorize(square, key, source_id=token, note="other")) == "IDEMPOTENCY_KEY_REUSED"
    assert len(square.account.payments) == 1


def test_a_token_works_once(square: SquareRig) -> None:
    token = square.token(cards.PAID)
    authorize(square, source_id=token)
    assert code_of(authorize(square, source_id=token)) == "CARD_TOKEN_USED"


def test_canceling_by_key_succeeds_also_where_it_finds_nothing_and_keeps_nothing_away(square: SquareRig) -> None:
    key = new_key()
    assert call(square, "POST", "/v2/payments/cancel", {"idempotency_key": key}) == (200, {})
    assert authorize(square, key)[1]["payment"]["status"] == "APPROVED"
    assert call(square, "POST", "/v2/payments/cancel", {"idempotency_key": key}) == (200, {})
    (payment,) = square.account.payments.values()
    assert payment["status"] == "CANCELED"
    status, answer = call(square, "POST", f"/v2/payments/{payment['id']}/complete", {})
    assert (status, code_of((status, answer))) == (400, "DELAYED_TRANSACTION_CANCELED")


def test_what_nobody_completes_ends_by_itself(square: SquareRig) -> None:
    payment = authorize(square)[1]["payment"]
    square.account.payments[payment["id"]]["delayed_until"] = "2020-01-01T00:00:00.000Z"
    assert call(square, "GET", f"/v2/payments/{payment['id']}")[1]["payment"]["status"] == "CANCELED"


def test_a_declined_card_leaves_a_failed_payment(square: SquareRig) -> None:
    status, answer = authorize(square, card=cards.INSUFFICIENT_FUNDS)
    assert (status, code_of((status, answer)), answer["payment"]["status"]) == (402, "INSUFFICIENT_FUNDS", "FAILED")


def test_lists_lag_and_come_in_pages(square: SquareRig) -> None:
    for _ in range(4):
        authorize(square)
    first = call(square, "GET", "/v2/payments?sort_order=ASC")[1]
    assert (len(first["payments"]), bool(first["cursor"])) == (3, True)
    rest = call(square, "GET", f"/v2/payments?sort_order=ASC&cursor={first['cursor']}")[1]
    assert (len(rest["payments"]), "cursor" in rest) == (1, False)
    square.account.lag_s = 60
    assert call(square, "GET", "/v2/payments")[1] == {}


def test_no_more_is_refunded_than_was_paid_and_a_refund_may_be_pending(square: SquareRig) -> None:
    order = square.paid()
    square.account.refunds_wait = True
    body = {"payment_id": order.processor_ref, "amount_money": {"amount": 9000, "currency": "USD"}}
    made = call(square, "POST", "/v2/refunds", {"idempotency_key": new_key(), **body})[1]["refund"]
    assert made["status"] == "PENDING"
    again = call(square, "POST", "/v2/refunds", {"idempotency_key": new_key(), **body})
    assert code_of(again) == "REFUND_AMOUNT_INVALID"


def test_a_wrong_token_is_unauthorized(square: SquareRig) -> None:
    square.secrets["access_token"] = "wrong"
    assert code_of(call(square, "GET", "/v2/locations")) == "UNAUTHORIZED"


def test_an_authorization_is_held_for_half_an_hour(square: SquareRig) -> None:
    order = square.opened()
    square.script("complete", "drop_before")
    square.pay(order)
    (payment,) = square.account.payments.values()
    held = square.fake.now() + timedelta(minutes=30)
    assert payment["status"] == "APPROVED"
    assert payment["delayed_until"] <= held.isoformat()
