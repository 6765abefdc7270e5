"""From an empty database to the first invited client, as the owner of a new practice does it in the browser."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import BrowserContext, Page, expect

from tests.blank import blank_file
from tests.flows.conftest import PHONE, ROOT, _two_free_ports
from tests.flows.watch import Watch

PASSWORD = "quiet river under old stones"
CODE = re.compile(r"enter this code within the hour: ([A-Z0-9-]{14})")


@dataclass(frozen=True)
class Empty:
    """A Paywell without a practice: its address, its processor's, what its terminal says, its e-mails."""

    address: str
    processor: str
    log: Path
    emails: Path

    def code(self) -> str:
        found = CODE.search(self.log.read_text())
        assert found, self.log.read_text()
        return found[1]


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Empty]:
    port = _two_free_ports()
    address, processor = f"http://127.0.0.1:{port}", f"http://localhost:{port + 1}"
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("PAYWELL_")},
        "PAYWELL_VAR": str(tmp_path),
        "PAYWELL_URL": address,
        "PAYWELL_TEST_PROCESSOR": processor,
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        "DJANGO_SETTINGS_MODULE": "tests.flows.strict_settings",
    }
    shutil.copyfile(blank_file(), tmp_path / "paywell.sqlite3")
    for command in (["migrate", "-v0"], ["collectstatic", "--noinput", "-v0"]):
        whole = [sys.executable, "-m", "paywell", *command]
        subprocess.run(whole, cwd=ROOT, env=environment, check=True, timeout=120)
    log = tmp_path / "web.log"
    web = ["granian", "--interface", "wsgi", "--port", str(port), "--blocking-threads", "1"]
    commands = (
        [*web, "--no-access-log", "paywell.config.wsgi:application"],
        ["paywell", "test_processor", "--port", str(port + 1)],
        ["paywell", "worker"],
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT
        )
        for command, out in zip(commands, (log.open("wb"), subprocess.DEVNULL, subprocess.DEVNULL), strict=True)
    ]  # fmt: skip
    try:
        for url in (f"{address}/setup/", processor):
            wait_for(url)
        yield Empty(address, processor, log, tmp_path / "emails")
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(timeout=20)


def wait_for(url: str) -> None:
    for _ in range(150):
        try:
            httpx.get(url)
            return
        except httpx.HTTPError:
            time.sleep(0.2)
    pytest.fail(f"Nobody answers at {url}.")


def add_second_step(page: Page) -> None:
    """As with an authenticator app."""
    expect(page.get_by_role("heading", name="One more step before the desk")).to_be_visible()
    page.get_by_role("link", name="Use an authenticator app").click()
    page.wait_for_load_state()
    secret = page.locator("#authenticator_secret").text_content()
    counter = int(time.time()) // 30
    page.get_by_label("Six digits from the app").fill(format_hotp_value(hotp_value(secret, counter)))
    page.get_by_role("button", name="Turn it on").click()
    page.get_by_role("link", name="Done").click()


def go_on(page: Page) -> None:
    page.get_by_role("link", name="Go on", exact=False).first.click()


def expect_done(page: Page, count: int) -> None:
    expect(page.get_by_text(f"{count} of 7 done")).to_be_visible()


def test_from_an_empty_database_to_the_first_invited_client(
    empty: Empty, open_context: Callable[..., BrowserContext]
) -> None:
    context = open_context(PHONE)
    watch = Watch(context, ours=empty.address, processor=empty.processor)
    page = context.pages[0]
    page.goto(empty.address)
    page.get_by_label("Code").fill("AAAA-AAAA-AAAA")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("This code is not right").first).to_be_visible()
    page.get_by_label("Code").fill(empty.code().lower())
    page.get_by_role("button", name="Go on").click()

    page.get_by_label("Name of the practice").fill("Quiet Harbor Therapy")
    page.get_by_label("Your name").fill("Mara Feld")
    page.get_by_label("Your e-mail").fill("mara@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Time zone").select_option("America/Denver")
    page.get_by_role("button", name="Make the practice").click()
    add_second_step(page)

    page.get_by_role("link", name="Go on with the set-up").click()
    expect_done(page, 0)
    go_on(page)
    for label, text in (
        ("Phone", "(303) 555-0142"), ("Street", "1 Main Street"), ("City", "Golden"), ("State", "CO"),
        ("ZIP code", "80401"), ("Tax number", "84-1234567"),
    ):  # fmt: skip
        page.get_by_label(re.compile(rf"^{re.escape(label)} \(optional\)$")).fill(text)
    page.locator("main form button.button").first.click()
    expect_done(page, 1)
    go_on(page)
    page.get_by_label("Name", exact=True).fill("Mara Feld")
    page.get_by_label("Credentials").fill("LCSW")
    page.get_by_role("button", name="Add the clinician").click()
    expect_done(page, 2)

    page.goto(f"{empty.address}/desk/")  # left, and taken up again from the inbox
    page.get_by_role("link", name="Go on with the set-up").click()
    go_on(page)
    page.get_by_label("Code").fill("IND50")
    page.get_by_label("Wording").fill("Individual session, 50 minutes")
    page.get_by_label("Fee").fill("140")
    page.get_by_role("button", name="Add the service").click()
    expect_done(page, 3)
    page.get_by_role("button", name="Connect the test processor").click()
    expect_done(page, 4)
    go_on(page)
    page.get_by_role("button", name="Turn on").click()
    expect_done(page, 5)
    go_on(page)
    page.get_by_label("Legal first name").fill("Ada")
    page.get_by_label("Legal last name").fill("Brook")
    page.get_by_label(re.compile("^E-mail")).fill("ada@example.org")
    expect(page.get_by_label("Let the client use the portal")).to_be_checked()
    page.get_by_role("button", name="Add the client").click()
    expect(page.get_by_role("heading", name="You are ready")).to_be_visible()
    expect_done(page, 6)  # the look may stay as it is

    expect_invitation(empty)
    assert page.goto(f"{empty.address}/setup/").status == 404  # type: ignore[union-attr]
    assert watch.faults == []
    context.close()


def expect_invitation(empty: Empty) -> None:
    """The worker sends it to the client."""
    mails: list[str] = []
    for _ in range(100):
        files = empty.emails.glob("*") if empty.emails.exists() else ()
        mails = [text for text in (file.read_text() for file in files) if "ada@example.org" in text]
        if mails:
            break
        time.sleep(0.2)
    assert len(mails) == 1
    assert f"{empty.address}/invitation/" in mails[0].replace("=\n", "")
