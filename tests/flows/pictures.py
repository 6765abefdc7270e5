"""Takes pictures of the main pages from a running demo: `python -m tests.flows.pictures FOLDER [--address URL]`.

Each page on a phone (390 px) and a desktop (1280 px), in light and in dark. Looks only: nothing is paid.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Browser, Page, sync_playwright

PASSWORD: Final = "calm-river-morning"
WIDTHS: Final = {"phone": (390, 844), "desktop": (1280, 900)}
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")

#: What to do before the picture is taken, after the address was opened.
Act = Callable[[Page], None]


def nothing(page: Page) -> None:
    """The page as it opens."""


def tick_two(page: Page) -> None:
    for number in (0, 1):
        page.locator("table.pay-table tbody input[type=checkbox]").nth(number).check()


def open_window(page: Page) -> None:
    page.locator("a[data-window]").first.click()
    page.get_by_role("dialog").wait_for()
    choice = page.get_by_label("Enter New Card")
    if choice.count():
        choice.check()
        page.frame_locator(".card-frame iframe").get_by_label("Card number").wait_for()


def open_several(page: Page) -> None:
    tick_two(page)
    page.locator("[data-pay-ticked]").click()
    page.get_by_role("dialog").wait_for()


def open_first_payment(page: Page) -> None:
    page.locator(".history-table tbody a").first.click()
    page.wait_for_load_state()


def open_first_sheet(page: Page) -> None:
    page.locator("a.screen-link").first.click()
    page.wait_for_load_state()


def open_first_row(page: Page) -> None:
    page.locator("main table tbody a, main ul.links a").first.click()
    page.wait_for_load_state()


#: (who, picture's name, address, act, whole page rather than the screen)
SHOTS: Final[list[tuple[str, str, str, Act, bool]]] = [
    ("", "sign-in", "/account/login/", nothing, False),
    ("ada.brook", "home", "/portal/", nothing, True),
    ("ada.brook", "pay", "/portal/pay/", nothing, True),
    ("ada.brook", "pay-ticked", "/portal/pay/", tick_two, False),
    ("ada.brook", "window", "/portal/pay/", open_window, False),
    ("ada.brook", "window-several", "/portal/pay/", open_several, False),
    ("ada.brook", "history", "/portal/payments/", nothing, True),
    ("ada.brook", "payment", "/portal/payments/", open_first_payment, True),
    ("ada.brook", "documents", "/portal/documents/", nothing, False),
    ("ada.brook", "invoice", "/portal/documents/", open_first_sheet, True),
    ("ada.brook", "cards", "/portal/cards/", nothing, True),
    ("greta.lund", "closed", "/portal/pay/", nothing, False),
    ("nora.vance", "several-accounts", "/portal/", nothing, False),
    ("clara.wynn", "two-step-window", "/portal/pay/", open_window, False),
    ("mara.feldt", "desk-inbox", "/desk/", nothing, False),
    ("mara.feldt", "desk-payments", "/desk/payments/", nothing, False),
    ("mara.feldt", "desk-income", "/desk/reports/income/", nothing, True),
    ("mara.feldt", "desk-month-end", "/desk/reports/month-end/", nothing, True),
    ("mara.feldt", "desk-clients", "/desk/clients/", nothing, False),
    ("mara.feldt", "desk-client", "/desk/clients/", open_first_row, False),
    ("mara.feldt", "desk-settings", "/desk/settings/", nothing, False),
]


def sign_in(page: Page, address: str, name: str) -> None:
    page.goto(f"{address}/account/login/")
    page.get_by_label("E-mail").fill(f"{name}@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").first.click()
    page.wait_for_load_state()


def take_all(browser: Browser, address: str, folder: Path, only: str, scale: int) -> None:
    """Every picture, one sign-in for each person."""
    folder.mkdir(parents=True, exist_ok=True)
    shots = [shot for shot in SHOTS if only in shot[1]]
    for who in dict.fromkeys(shot[0] for shot in shots):
        context = browser.new_context(reduced_motion="reduce", device_scale_factor=scale)
        page = context.new_page()
        if who:
            sign_in(page, address, who)
        for _, name, path, act, is_whole in (shot for shot in shots if shot[0] == who):
            for width, (x, y) in WIDTHS.items():
                for scheme in SCHEMES:
                    page.set_viewport_size({"width": x, "height": y})
                    page.emulate_media(color_scheme=scheme)
                    page.goto(f"{address}{path}")
                    act(page)
                    page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=is_whole)
        context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--address", default="http://127.0.0.1:8000", help="where the demo runs")
    parser.add_argument("--only", default="", help="only pictures whose name contains this")
    parser.add_argument("--scale", type=int, default=1, help="device pixels for each CSS pixel")
    wanted = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("PAYWELL_BROWSER") or None, args=["--no-sandbox", "--disable-gpu"]
        )
        take_all(browser, wanted.address, wanted.folder, wanted.only, wanted.scale)
        browser.close()


if __name__ == "__main__":
    main()
