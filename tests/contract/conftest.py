"""The processors under test. A real connector joins with its own fixture and its name in CONNECTORS."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from paywell.processors.testbench.app import Running, make_app
from paywell.processors.testbench.store import Store, Timing
from tests.contract.authorize_net_fake import AuthorizeNetFake
from tests.contract.authorize_net_rig import AuthorizeNetRig
from tests.contract.rig import Mailbox, Rig, Sent, TestbenchRig
from tests.contract.serving import serving
from tests.contract.square_fake import SquareFake
from tests.contract.square_rig import SquareRig
from tests.contract.stripe_fake.web import Fake as StripeFake
from tests.contract.stripe_rig import StripeRig

TESTBENCH = ["test_inline", "test_two_step"]
ONE_SCREEN = ["test_inline", "square", "stripe"]
OWN_PAGE = ["test_two_step", "authorize_net", "stripe_checkout"]
CONNECTORS = [*ONE_SCREEN, *OWN_PAGE]


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def _recorded(app: Callable[..., Any], log: list[Sent]) -> Callable[..., Any]:
    """The application, with every request that reaches it written down."""

    def recorder(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        headers = {name: value for name, value in environ.items() if name.startswith("HTTP_")}
        log.append(
            Sent(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", ""), headers, body)
        )
        return app(environ, start_response)

    return recorder


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    server = make_server("127.0.0.1", 0, box, handler_class=_Quiet)
    box.base_url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    yield box
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def testbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[Sent]]]:
    """A test processor on a free port: its address, and every request that it got."""
    store = Store(
        tmp_path_factory.mktemp("testbench") / "data.sqlite3",
        Timing(silence_s=0.9, late_s=1.0, retry_s=(0.2, 0.2)),
    )
    log: list[Sent] = []
    with Running(store, app=_recorded(make_app(store), log)) as running:
        yield running.base_url, log
    store.close()


@pytest.fixture(scope="session")
def authorize_net_fake() -> Iterator[tuple[str, AuthorizeNetFake]]:
    fake = AuthorizeNetFake()
    with serving(fake) as base_url:
        yield base_url, fake


@pytest.fixture
def authorize_net(authorize_net_fake: tuple[str, AuthorizeNetFake]) -> AuthorizeNetRig:
    """For what only Authorize.Net does."""
    return AuthorizeNetRig(*authorize_net_fake)


@pytest.fixture(scope="session")
def stripe_fake() -> Iterator[tuple[str, StripeFake]]:
    fake = StripeFake()
    with serving(fake) as base_url:
        yield base_url, fake


@pytest.fixture
def stripe(stripe_fake: tuple[str, StripeFake]) -> Iterator[StripeRig]:
    """For what only Stripe does, with its fields in our page. Every request of every test is judged."""
    rig = StripeRig("stripe", *stripe_fake)
    yield rig
    assert rig.judged() == []


@pytest.fixture
def stripe_checkout(stripe_fake: tuple[str, StripeFake]) -> Iterator[StripeRig]:
    """The same with Stripe's own page."""
    rig = StripeRig("stripe_checkout", *stripe_fake)
    yield rig
    assert rig.judged() == []


@pytest.fixture(scope="session")
def square_fake() -> Iterator[tuple[str, SquareFake]]:
    fake = SquareFake()
    with serving(fake) as base_url:
        yield base_url, fake


@pytest.fixture
def square(square_fake: tuple[str, SquareFake]) -> SquareRig:
    """For what only Square does."""
    return SquareRig(*square_fake)


def _get_rig(request: pytest.FixtureRequest) -> Rig:
    """A fresh account at the processor that is asked for. Stand-ins of those that are not wanted don't start."""
    if request.param in TESTBENCH:
        testbench, mailbox = request.getfixturevalue("testbench"), request.getfixturevalue("mailbox")
        return TestbenchRig(request.param, *testbench, mailbox)
    wanted: Rig = request.getfixturevalue(request.param)
    return wanted


@pytest.fixture(params=CONNECTORS)
def rig(request: pytest.FixtureRequest) -> Rig:
    """Each processor in turn."""
    return _get_rig(request)


@pytest.fixture(params=ONE_SCREEN)
def one_screen(request: pytest.FixtureRequest) -> Rig:
    """Each processor whose card fields stand on our screen."""
    return _get_rig(request)


@pytest.fixture(params=OWN_PAGE)
def own_page(request: pytest.FixtureRequest) -> Rig:
    """Each processor that takes the card on a page of its own."""
    return _get_rig(request)


@pytest.fixture(params=TESTBENCH)
def bench(request: pytest.FixtureRequest, testbench: tuple[str, list[Sent]], mailbox: Mailbox) -> TestbenchRig:
    """The test processor in both styles: for what its own notices and levers do."""
    return TestbenchRig(request.param, *testbench, mailbox)


@pytest.fixture
def inline(testbench: tuple[str, list[Sent]], mailbox: Mailbox) -> TestbenchRig:
    """For what only one screen can do."""
    return TestbenchRig("test_inline", *testbench, mailbox)


@pytest.fixture
def two_step(testbench: tuple[str, list[Sent]], mailbox: Mailbox) -> TestbenchRig:
    """For what only a page of the processor's own can do."""
    return TestbenchRig("test_two_step", *testbench, mailbox)
