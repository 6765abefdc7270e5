"""A whole Paywell, as `./run demo` starts it, and a real browser before it.

All flows run in one worker (group `flows`): one stack, one browser. Each flow takes a payer of its own, so
that flows don't meet. Without a browser they fail to start and say why; nothing is skipped in silence.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.flows.watch import Watch

ROOT = Path(__file__).resolve().parents[2]
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: The demo makes its tables and fills two practices first. A busy machine is slow, not wrong.
START_S = 300.0
NO_BROWSER = "No Chromium could be started."


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/flows" in str(item.path):
            item.add_marker(pytest.mark.browser)


@dataclass(frozen=True)
class Stack:
    """The running demo: its address, its folder, and who can sign in."""

    address: str
    var: Path
    environment: dict[str, str]
    people: list[dict[str, str]]

    def person(self, role: str, practice: int = 0) -> dict[str, str]:
        """The first one of a role; `practice` 0 is the inline one, 1 the two-step one."""
        practices = list(dict.fromkeys(p["practice"] for p in self.people))
        return next(p for p in self.people if p["role"] == role and p["practice"] == practices[practice])

    def named(self, name: str, practice: int = 0) -> dict[str, str]:
        """The person of that name, of the first practice (inline) or the second (two-step)."""
        return [person for person in self.people if person["name"] == name][practice]

    @property
    def processor(self) -> str:
        """The test processor's origin: the port after ours, under a name that makes it another site."""
        return f"http://localhost:{int(self.address.rpartition(':')[2]) + 1}"

    def charges(self, **where: Any) -> list[dict[str, Any]]:
        """What the processor itself knows: its charges, newest last. The last word on "charged once"."""
        with self._processor_books() as books:
            condition = " AND ".join(f"{name} = ?" for name in where) or "1"
            sql = f"SELECT * FROM charges WHERE {condition} ORDER BY made, rowid"
            return [dict(row) for row in books.execute(sql, tuple(where.values()))]

    def hurry(self) -> None:
        """Let every answer that the processor still keeps back be due now."""
        with self._processor_books() as books:
            books.execute("UPDATE charges SET settle_at = '2000-01-01T00:00:00.000000Z' WHERE status = 'pending'")
            books.commit()

    @contextmanager
    def silent_processor(self, call: str) -> Iterator[None]:
        """One kind of call gets no answer from either account's processor, until the block ends."""
        with self._processor_books() as books:
            books.execute(
                "INSERT INTO faults (account, call, kind, value, times) "
                "SELECT id, ?, 'drop_before', '', 1000 FROM accounts",
                (call,),
            )
            books.commit()
            try:
                yield
            finally:
                books.execute("DELETE FROM faults")
                books.commit()

    @contextmanager
    def _processor_books(self) -> Iterator[sqlite3.Connection]:
        books = sqlite3.connect(self.var / "test-processor.sqlite3", timeout=10)
        books.row_factory = sqlite3.Row
        try:
            yield books
        finally:
            books.close()

    def command(self, *arguments: str) -> str:
        """Run a Paywell command on the stack's data and give its output."""
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def _two_free_ports() -> int:
    while True:
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
        with socket.socket() as second:
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    var = tmp_path_factory.mktemp("var")
    port = _two_free_ports()
    address = f"http://127.0.0.1:{port}"
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("PAYWELL_")},
        "PAYWELL_VAR": str(var),
        "PAYWELL_URL": address,
        "PAYWELL_BACKUPS": "off",  # on a slow machine one would begin in the middle of a journey
        "PYTHONPATH": str(ROOT / "src"),
        "DJANGO_SETTINGS_MODULE": "paywell.config.settings.demo",
    }
    log = (var / "demo.out").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "paywell", "demo", "--port", str(port)],
        cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if process.poll() is not None:
                pytest.fail(f"The demo ended:\n{(var / 'demo.out').read_text()}")
            try:
                if (var / "demo.json").exists() and httpx.get(f"{address}/account/login/").status_code == 200:
                    break
            except httpx.HTTPError:
                pass
            time.sleep(0.2)
        else:
            pytest.fail(f"The demo did not answer within {START_S:.0f} s:\n{(var / 'demo.out').read_text()}")
        people = json.loads((var / "demo.json").read_text())["people"]
        yield Stack(address, var, environment, people)
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    # Playwright's loop runs in this thread; Django would take its own work there for asynchronous.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as started:
        try:
            started.chromium.launch(**_launch_options()).close()
        except PlaywrightError as error:
            # Where nobody looks at the output a missing browser must be red; at a desk the rest still counts.
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{NO_BROWSER} {error.message.splitlines()[0]}")
        # A busy machine is slow, not wrong.
        expect.set_options(timeout=15_000)
        yield started


def _launch_options() -> dict[str, Any]:
    return {
        "executable_path": os.environ.get("PAYWELL_BROWSER") or None,
        "headless": True,
        "args": CHROMIUM_ARGUMENTS,
    }


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if any(NO_BROWSER in str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])):
        terminalreporter.section("THE FLOWS IN A REAL BROWSER DID NOT RUN", sep="!", red=True, bold=True)
        terminalreporter.line(f"{NO_BROWSER} Install Chromium, or set PAYWELL_BROWSER to one.", red=True)


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """One process for all flows: starting one takes a second of a processor, and there are many windows."""
    browser = playwright.chromium.launch(**_launch_options())
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def open_context(chromium: Browser) -> Iterator[Callable[..., Any]]:
    """Opens a private window with third-party cookies blocked: `open_context(viewport, javascript=True)`.

    Chromium blocks them there from the start, as Safari does everywhere; the last test of `test_webkit.py` fails
    where it does not. Windows share nothing: no cookie, no storage, no cache.
    """
    opened: list[BrowserContext] = []

    def open_one(viewport: dict[str, int] = DESKTOP, *, javascript: bool = True, **options: Any) -> BrowserContext:
        context = chromium.new_context(
            viewport=viewport,  # type: ignore[arg-type]
            java_script_enabled=javascript,
            **options,
        )
        context.set_default_timeout(20_000)
        context.new_page()
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        context.close()


@pytest.fixture
def new_page(open_context: Callable[..., BrowserContext], stack: Stack) -> Iterator[Callable[..., Page]]:
    """A page in a fresh browser, closed after the test: `new_page(PHONE)`, `new_page(javascript=False)`.

    Each is watched: a request to anybody but us and the processor, a cookie of the processor's, an error in the
    console or a breach of the policy fails the test at its end.
    """
    opened: list[tuple[BrowserContext, Watch]] = []

    def make(viewport: dict[str, int] = DESKTOP, **options: Any) -> Page:
        context = open_context(viewport, **options)
        opened.append((context, Watch(context, ours=stack.address, processor=stack.processor)))
        return context.pages[0] if context.pages else context.new_page()

    yield make
    for context, _ in opened:
        context.close()
    for _, watch in opened:
        assert watch.faults == []


@pytest.fixture
def signed_in(new_page: Callable[..., Page], stack: Stack) -> Callable[..., Page]:
    """`signed_in("Ada Brook", PHONE)`: a watched page at that person's home."""

    def make(name: str, viewport: dict[str, int] = DESKTOP, *, practice: int = 0, **options: Any) -> Page:
        page = new_page(viewport, **options)
        person = stack.named(name, practice)
        sign_in(page, stack, person["email"], person["password"])
        return page

    return make


def sign_in(page: Page, stack: Stack, email: str, password: str) -> None:
    """By e-mail and password, as a person does."""
    page.goto(f"{stack.address}/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").first.click()
    page.wait_for_load_state()
