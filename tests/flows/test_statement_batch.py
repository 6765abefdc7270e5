"""Statements of many accounts in the browser: progress through a reload, stopped, asked for again, downloaded."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Locator, Page, expect
from pypdf import PdfReader

from tests.flows.conftest import Stack, sign_in
from tests.flows.many_accounts import ACCOUNTS


def ask(page: Page, stack: Stack, output: str) -> Locator:
    """From the form over its preview to the progress of the work."""
    page.goto(f"{stack.address}/desk/statements/")
    first, last = (page.get_by_label(name, exact=True) for name in ("From", "To"))
    yesterday = datetime.now(tz=UTC).date() - timedelta(days=1)  # wherever the practice is, it is over
    first.fill((yesterday - timedelta(days=30)).isoformat())
    last.fill(yesterday.isoformat())
    page.get_by_label("As", exact=True).select_option(label=output)
    page.get_by_role("button", name="See who would get one").click()
    page.get_by_role("button", name=f"Issue {ACCOUNTS} statements").click()
    return page.locator("#progress")


def seen(progress: Locator) -> int:
    return int(progress.locator("progress").get_attribute("value") or 0)


def download(page: Page, name: str) -> bytes:
    with page.expect_download() as found:
        page.get_by_role("link", name=name).click()
    return found.value.path().read_bytes()


def test_a_batch_of_statements_survives_a_reload_is_stopped_and_asked_for_again_issues_each_once(
    new_page: Callable[..., Page], stack: Stack
) -> None:
    email = stack.command("tests.flows.many_accounts").strip()
    page = new_page()
    sign_in(page, stack, email, stack.named("Mara Feldt")["password"])
    progress = ask(page, stack, "A PDF for each, in a ZIP")
    expect(progress).to_contain_text("You can leave this page; the work goes on.")
    while not seen(progress):
        page.reload()
    before = seen(progress)
    page.reload()
    assert seen(progress) >= before
    page.get_by_role("button", name="Stop this work").click()
    expect(progress.locator(".badge")).to_have_text("Canceled")
    words = re.search(r"Canceled\. (\d+) of (\d+) were done", progress.inner_text())
    assert words is not None
    done, total = map(int, words.groups())
    assert 0 < done < total == ACCOUNTS
    with zipfile.ZipFile(io.BytesIO(download(page, "Download all as ZIP"))) as pack:
        names = pack.namelist()
        assert len(names) == done
        assert all(pack.read(name).startswith(b"%PDF-") for name in names)
    # The rest, and the same ones again for those that were done: by its own poll, without a reload.
    progress = ask(page, stack, "One PDF of all, with a bookmark for each")
    expect(progress.locator(".badge")).to_have_text("Done", timeout=60_000)
    expect(progress).to_contain_text(f"{ACCOUNTS} statements were issued.")
    whole = PdfReader(io.BytesIO(download(page, "statements.pdf")))
    assert len(whole.pages) == len(whole.outline) == ACCOUNTS
    numbers = {match for page in whole.pages for match in re.findall(r"ST-\d{4}", page.extract_text())}
    assert len(numbers) == ACCOUNTS
    assert {name[:7] for name in names} <= numbers
    assert max(numbers) == f"ST-{ACCOUNTS:04}"
