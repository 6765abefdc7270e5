"""Long work in the browser: its progress survives a reload, and it can be stopped."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.flows.conftest import Stack

#: So many that the worker is busy with them for longer than this flow takes.
ROWS = 8_000


def test_the_progress_of_a_batch_survives_a_reload_and_it_can_be_stopped(
    signed_in: Callable[..., Page], stack: Stack
) -> None:
    page = signed_in("Mara Feldt")
    page.goto(f"{stack.address}/desk/clients/import/")
    rows = "".join(f"Ida,Moss {n}\n" for n in range(ROWS))
    content = f"First name,Last name\n{rows}".encode()
    page.get_by_label("CSV file").set_input_files(
        {"name": "clients.csv", "mimeType": "text/csv", "buffer": content}
    )
    page.get_by_role("button", name="Look at it").click()
    bar = page.locator("#progress progress")
    # Without a reload: the page asks by itself.
    expect(bar).to_have_attribute("max", str(ROWS))
    expect(bar).to_have_attribute("value", re.compile("^[1-9]"))
    seen = int(bar.get_attribute("value") or 0)
    page.reload()
    assert int(bar.get_attribute("value") or 0) >= seen
    expect(page.locator("#progress-words")).to_contain_text("You can leave this page; the work goes on.")
    page.get_by_role("button", name="Stop this work").click()
    expect(page.get_by_role("heading", name="Check of clients.csv")).to_be_visible()
    expect(page.locator("#progress .badge")).to_have_text("Canceled")
    expect(page.locator("#progress-words")).to_contain_text("nothing was changed for the others")
    page.goto(f"{stack.address}/desk/clients/?q=moss")
    expect(page.get_by_text("No client fits.")).to_be_visible()
