"""axe-core finds nothing on any page: on a desktop in light and on a phone in dark, each page loaded once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Frame, Page, expect

from tests.flows import steps
from tests.flows.conftest import DESKTOP, PHONE, Stack
from tests.flows.pictures import PASSWORD

TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OPTIONS: Final[dict[str, Any]] = {"runOnly": TAGS, "resultTypes": ["violations"], "iframes": False}
SHAPES: Final[list[tuple[str, dict[str, int], Literal["light", "dark"]]]] = [
    ("desktop", DESKTOP, "light"),
    ("phone", PHONE, "dark"),
]
SCRIPT: Final = Axe().axe_script


#: What another width and scheme can change: enough for a page that has passed all rules in one of them.
OF_LOOKS: Final[dict[str, Any]] = OPTIONS | {"runOnly": ["color-contrast", "scrollable-region-focusable"]}


def find_faults(place: Page | Frame, options: dict[str, Any] = OPTIONS) -> list[str]:
    if not place.evaluate("typeof axe === 'object'"):
        place.evaluate(SCRIPT)
    found = place.evaluate("options => axe.run(options)", options)["violations"]
    return [f"{each['id']} at {node['target']}: {node['html'][:160]}" for each in found for node in each["nodes"]]


def check(
    page: Page, name: str, place: Page | Frame | None = None, *, on_phone: dict[str, Any] = OPTIONS
) -> list[str]:
    """All faults of what the page (or a frame of it) shows now, in both widths and both schemes."""
    place = place or page
    faults = []
    for width, viewport, scheme in SHAPES:
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        options = on_phone if width == "phone" else OPTIONS
        faults += [f"{name}, {width}, {scheme}: {fault}" for fault in find_faults(place, options)]
        wide = place.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            faults.append(f"{name}, {width}: {wide} px wider than the screen")
    return faults


def check_all(page: Page, addresses: Iterable[str]) -> None:
    faults = []
    for address in addresses:
        page.goto(address)
        faults += check(page, address)
    assert faults == []


def test_axe_itself_is_awake(new_page: Callable[..., Page], stack: Stack) -> None:
    page = new_page()
    page.goto(f"{stack.address}/account/login/")
    page.evaluate("document.querySelector('label').remove()")
    assert any("label at" in fault for fault in check(page, "without a label"))


def test_sign_in_pages(new_page: Callable[..., Page], signed_in: Callable[..., Page], stack: Stack) -> None:
    paths = ["login/", "password/reset/", "password/reset/done/", "login/code/"]
    check_all(new_page(), [f"{stack.address}/account/{path}" for path in paths])
    page = signed_in("Rhea Vale")
    paths = ["password/change/", "2fa/", "sessions/", "logout/", "email/"]
    check_all(page, [f"{stack.address}/account/{path}" for path in paths])


def test_the_authenticators_page_says_its_key_whole(signed_in: Callable[..., Page], stack: Stack) -> None:
    page, address = signed_in("Rhea Vale"), f"{stack.address}/account/2fa/totp/activate/"
    page.goto(address)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    page.set_viewport_size({"width": 320, "height": 700})
    key = page.locator("#authenticator_secret")
    assert len(key.text_content() or "") >= 32
    assert key.evaluate("element => element.scrollWidth <= element.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    check_all(page, [address])


def test_pages_that_no_link_leads_to(signed_in: Callable[..., Page], stack: Stack) -> None:
    """The others are opened by test_every_page."""
    portal = f"{stack.address}/portal"
    check_all(signed_in("Ada Brook"), [f"{portal}/payments/?from=2001-01-01&to=2001-01-02", f"{portal}/lost/"])
    page = signed_in("Mara Feldt")
    check_all(page, [f"{stack.address}/desk/reports/income/?date_from=2026-02-02&date_to=2026-01-01"])


def test_portal_pages_with_little_on_them(signed_in: Callable[..., Page], stack: Stack) -> None:
    portal = f"{stack.address}/portal"
    check_all(signed_in("Greta Lund"), [f"{portal}/", f"{portal}/pay/", f"{portal}/payments/", f"{portal}/cards/"])
    check_all(signed_in("Ines Coral"), [f"{portal}/", f"{portal}/pay/"])
    page = signed_in("Ben Ashby")
    page.goto(f"{portal}/payments/")
    declined = page.locator(".history-table tbody tr").filter(has_text="Declined").first
    declined.get_by_role("link").first.click()
    expect(page.locator(".result")).to_have_attribute("data-screen", "declined")
    assert check(page, "declined") == []


def test_the_window_its_card_fields_and_its_errors(signed_in: Callable[..., Page], stack: Stack) -> None:
    page = signed_in("Ada Brook")
    steps.open_list(page)
    steps.rows(page).first.get_by_role("checkbox").check()
    address = steps.first_window(page)
    faults = check(page, "one ticked")
    window = steps.open_window(page)
    window.get_by_label("Enter New Card").check()
    fields = steps.card_fields(window)
    expect(fields.get_by_role("textbox", name="Card number")).to_be_visible()
    faults += check(page, "window")
    window.locator("[data-pay]").click()
    expect(fields.get_by_text("Enter the card number.")).to_be_visible()
    frame = next(frame for frame in page.frames if frame.url.startswith(stack.processor))
    faults += check(page, "card fields", frame)
    window.get_by_label("Payment Amount").fill("0")
    window.locator("[data-pay]").click()
    faults += check(page, "window with errors")
    page.goto(f"{stack.address}{address}")
    faults += check(page, "window as a page")
    assert faults == []


def test_results_that_wait(signed_in: Callable[..., Page], stack: Stack) -> None:
    page = signed_in("Victor Hale")
    steps.pay_new(page, steps.LATE, row=2)
    faults = check(page, "checking")
    stack.hurry()
    steps.expect_result(page, "Paid")
    faults += check(page, "paid")
    assert faults == []


def test_the_processors_pages(signed_in: Callable[..., Page], stack: Stack) -> None:
    page = signed_in("Clara Wynn")
    steps.open_list(page)
    steps.open_window(page, 3).get_by_role("button", name="Next").click()
    page.wait_for_url(f"{stack.processor}/pay/**")
    faults = check(page, "hosted page")
    page.get_by_label("New Payment Method").check()
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.wait_for_load_state()  # with its styles: unstyled links are small
    faults += check(page, "hosted page with errors")
    steps.type_card(page, steps.BANK_CHECK)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
    faults += check(page, "bank check")
    page.goto(f"{stack.address}/portal/pay/")
    steps.rows(page).get_by_role("link", name="payment in progress").click()
    expect(page.locator(".result")).to_have_attribute("data-screen", "unfinished")
    faults += check(page, "unfinished")
    page.get_by_role("button", name="Cancel this payment").click()
    steps.expect_result(page, "Canceled")
    faults += check(page, "canceled")
    assert faults == []
