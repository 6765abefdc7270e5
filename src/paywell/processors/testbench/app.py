"""The routes of the test processor, and a small threaded server for them."""

from __future__ import annotations

import socketserver
import threading
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from paywell.processors.testbench import web
from paywell.processors.testbench.api import Api
from paywell.processors.testbench.background import Background
from paywell.processors.testbench.pages import Pages
from paywell.processors.testbench.scripting import Scripting
from paywell.processors.testbench.store import Store

_ID = r"[A-Za-z0-9_-]{1,80}"


def make_app(store: Store) -> web.Application:
    api = Api(store)
    pages = Pages(store)
    scripting = Scripting(api)
    return web.Application(
        [
            ("GET", r"/", pages.home),
            ("GET", r"/static/(?P<name>[a-z.]+)", web.static),
            ("GET", r"/fields/", pages.fields),
            ("POST", r"/fields/tokens/", pages.make_token),
            ("GET", rf"/pay/(?P<page_id>{_ID})/", pages.show_payment),
            ("POST", rf"/pay/(?P<page_id>{_ID})/", pages.pay),
            ("GET", rf"/bank/(?P<page_id>{_ID})/", pages.show_bank_check),
            ("POST", rf"/bank/(?P<page_id>{_ID})/", pages.answer_bank_check),
            ("GET", r"/v1/account", api.get_account),
            ("PUT", r"/v1/account", api.put_account),
            ("GET", r"/v1/charges", api.list_charges),
            ("POST", r"/v1/charges", api.open_charge),
            ("POST", r"/v1/charges/cancel", api.cancel),
            ("GET", rf"/v1/charges/(?P<charge_id>{_ID})", api.get_charge),
            ("POST", rf"/v1/charges/(?P<charge_id>{_ID})/commit", api.commit),
            ("GET", r"/v1/refunds", api.list_refunds),
            ("POST", r"/v1/refunds", api.refund),
            ("GET", rf"/v1/refunds/(?P<refund_id>{_ID})", api.get_refund),
            ("GET", r"/v1/payouts", api.list_payouts),
            ("GET", rf"/v1/payouts/(?P<payout_id>{_ID})/entries", api.list_entries),
            ("GET", rf"/v1/customers/(?P<customer>{_ID})/cards", api.list_cards),
            ("DELETE", rf"/v1/customers/(?P<customer>{_ID})/cards/(?P<card_id>{_ID})", api.forget_card),
            ("POST", r"/test/faults", scripting.add_fault),
            ("DELETE", r"/test/faults", scripting.clear_faults),
            ("POST", rf"/test/charges/(?P<charge_id>{_ID})/settle", scripting.settle_charge),
            ("POST", r"/test/refunds", scripting.make_refund),
            ("POST", rf"/test/refunds/(?P<refund_id>{_ID})/settle", scripting.settle_refund),
            ("POST", r"/test/disputes", scripting.open_dispute),
            ("POST", rf"/test/disputes/(?P<dispute_id>{_ID})/close", scripting.close_dispute),
            ("POST", r"/test/payouts", scripting.make_payout),
            ("POST", r"/test/entries", scripting.date_entries),
            ("POST", rf"/test/payouts/(?P<payout_id>{_ID})/fail", scripting.fail_payout),
            ("GET", r"/test/notices", scripting.list_notices),
            ("POST", r"/test/notices/release", scripting.release_notices),
            ("POST", r"/test/notices/repeat", scripting.repeat_notices),
        ]
    )


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    """A thread for each connection: one that is told to be silent holds up nobody else."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()


class _Handler(WSGIRequestHandler):
    timeout = 60

    def log_message(self, format: str, *args: object) -> None:
        """Silent: addresses here are keys to pages."""


class Running:
    """A test processor that serves on `port` (0: any free one) until `stop`. Also a context manager."""

    def __init__(
        self, store: Store, port: int = 0, host: str = "127.0.0.1", app: web.Application | None = None
    ) -> None:
        self.store = store
        self.server = _Server((host, port), _Handler)
        self.server.set_app(app or make_app(store))
        self.base_url = f"http://{host}:{self.server.server_port}"
        self.background = Background(store)
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.1,), daemon=True)

    def start(self) -> Running:
        self._thread.start()
        self.background.start()
        return self

    def stop(self) -> None:
        self.background.stop()
        self.server.shutdown()
        self.server.server_close()
        self._thread.join(5)

    def __enter__(self) -> Running:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()
