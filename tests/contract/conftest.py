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
from tests.contract.rig import Mailbox, Sent, TestbenchRig

CONNECTORS = ["test_inline", "test_two_step"]


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


@pytest.fixture(params=CONNECTORS)
def rig(request: pytest.FixtureRequest, testbench: tuple[str, list[Sent]], mailbox: Mailbox) -> TestbenchRig:
    base_url, log = testbench
    return TestbenchRig(request.param, base_url, log, mailbox)


@pytest.fixture
def inline(testbench: tuple[str, list[Sent]], mailbox: Mailbox) -> TestbenchRig:
    """For what only one screen can do."""
    return TestbenchRig("test_inline", *testbench, mailbox)


@pytest.fixture
def two_step(testbench: tuple[str, list[Sent]], mailbox: Mailbox) -> TestbenchRig:
    """For what only a page of the processor's own can do."""
    return TestbenchRig("test_two_step", *testbench, mailbox)
