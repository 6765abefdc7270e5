"""An independent stand-in for Stripe, run as a process of its own: the happy path and its signed notices.

localstripe knows an older API: it takes neither our card fields' tokens nor the present way to choose cards. So a
payment is made there as it wants it, and our connector looks it up, refunds it and reads what it is notified of.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from paywell.core.clock import now
from paywell.core.money import Money
from paywell.processors import registry
from paywell.processors.connectors.stripe.client import make_client
from paywell.processors.contract import BadNotice, Connection, Processor, RawNotice, Verdict
from tests.contract.rig import new_order, new_refund, wait_until
from tests.contract.serving import Request, Response, serving

SECRETS = {"secret_key": "sk_test_x123456", "notice_secret": "whsec_smoke"}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = shutil.which("localstripe", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("localstripe is not installed: the independent smoke of Stripe does not run")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [program, "--port", str(port), "--from-scratch"],
        cwd=tmp_path_factory.mktemp("localstripe"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    base_url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            try:
                httpx.get(f"{base_url}/v1/customers", auth=("sk_test_x123456", ""), timeout=2)
                break
            except httpx.HTTPError:
                assert process.poll() is None, "localstripe ended"
                time.sleep(0.1)
        yield base_url
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def connection(address: str) -> Iterator[Connection]:
    """Through a door that adds what this stand-in leaves out of a payment: how much was received."""

    def forward(request: Request) -> Response:
        headers = {
            name: request.headers[name] for name in ("authorization", "content-type") if name in request.headers
        }
        url = f"{address}{request.path}?{request.query}"
        answer = httpx.request(request.method, url, content=request.body, headers=headers)
        thing = answer.json()
        if thing.get("object") == "payment_intent" and thing["status"] == "succeeded":
            thing["amount_received"] = thing["amount"]
        return Response(answer.status_code, json.dumps(thing).encode(), "application/json")

    with serving(forward) as door:
        yield Connection({"api_base": door, "publishable_key": "pk_test_1"}, SECRETS, False)


@pytest.fixture
def processor(connection: Connection) -> Processor:
    return registry.connect("stripe", connection)


def pay(connection: Connection, reference: str) -> str:
    """A payment as this stand-in takes it: a kept card, confirmed at once."""
    client = make_client(connection)
    customer = client.v1.customers.create({"metadata": {"paywell_payer": "P1"}})
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
    method = client.v1.payment_methods.create({"type": "card", "card": card})  # type: ignore[typeddict-item]
    client.v1.payment_methods.attach(method.id, {"customer": customer.id})
    made = client.v1.payment_intents.create(
        {
            "amount": 12000, "currency": "usd", "customer": customer.id, "payment_method": method.id,
            "confirm": True, "off_session": True, "metadata": {"paywell": reference, "paywell_by": "stripe"},
        }
    )  # fmt: skip
    return made.id


def test_a_payment_is_looked_up_and_refunded(connection: Connection, processor: Processor) -> None:
    order = new_order()
    order = replace(order, processor_ref=pay(connection, order.reference))
    truth = processor.look_up(order)
    assert (truth.verdict, truth.money, truth.reference) == (Verdict.SUCCEEDED, Money(12000), order.reference)
    refund = new_refund(order, 2000)
    assert processor.refund(refund).verdict is Verdict.SUCCEEDED
    told = processor.look_up_refund(refund)
    assert (told.verdict, told.money, told.reference) == (Verdict.SUCCEEDED, Money(2000), refund.reference)


def test_its_signed_notices_are_read_and_forged_ones_refused(
    address: str, connection: Connection, processor: Processor
) -> None:
    arrived: list[RawNotice] = []

    def receive(request: Request) -> Response:
        arrived.append(RawNotice(request.body, request.headers, request.path, now()))
        return Response()

    with serving(receive) as here:
        hook = {"url": f"{here}/notices/", "secret": SECRETS["notice_secret"]}
        assert httpx.post(f"{address}/_config/webhooks/smoke", json=hook).is_success
        order = new_order()
        charge_ref = pay(connection, order.reference)
        wait_until(lambda: any(_is_news_of(each, charge_ref) for each in arrived))
        httpx.delete(f"{address}/_config/webhooks/smoke")
    notice = next(each for each in arrived if _is_news_of(each, charge_ref))
    (report,) = processor.read_notice(notice)
    assert (report.charge_ref, report.reference, report.live_mode) == (charge_ref, order.reference, False)
    with pytest.raises(BadNotice):
        processor.read_notice(replace(notice, body=notice.body.replace(b"12000", b"12001")))
    other = Connection(connection.settings, {**SECRETS, "notice_secret": "whsec_other"}, False)
    with pytest.raises(BadNotice):
        registry.connect("stripe", other).read_notice(notice)


def _is_news_of(notice: RawNotice, charge_ref: str) -> bool:
    event = json.loads(notice.body)
    return event["type"] == "payment_intent.succeeded" and event["data"]["object"]["id"] == charge_ref
