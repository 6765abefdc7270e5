"""A real WebKit, the engine of Safari, driven as a person would: WebKitGTK's browser on a screen of its own.

It comes with the system's packages (Debian: webkit2gtk-driver and xvfb). Without them the journeys are skipped and
say so; where CI is set they fail instead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from selenium import webdriver
from selenium.common.exceptions import (
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
    TimeoutException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service

NO_WEBKIT: Final = "No WebKit: install webkit2gtk-driver and xvfb (Debian's names)."
#: A busy machine is slow, not wrong.
WAIT_S: Final = 30
#: Prevent Cross-Site Tracking on, third-party cookies blocked: how Safari comes.
CAREFUL: Final = ("--enable-itp", "--cookies-policy=no-third-party")
#: Block All Cookies.
NO_COOKIES: Final = ("--cookies-policy=never",)
#: As browsers once were: the control that shows what the settings above change.
CARELESS: Final = ("--cookies-policy=always",)


def find_browser() -> str:
    """The browser that the driver controls; empty where there is none."""
    for folder in sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*"), reverse=True):
        if (folder / "MiniBrowser").exists():
            return str(folder / "MiniBrowser")
    return ""


@contextmanager
def screen() -> Iterator[str]:
    """A virtual screen for as long as the block lasts; its name for DISPLAY."""
    reading, writing = os.pipe()
    process = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x1024x24", "-nolisten", "tcp"],
        pass_fds=(writing,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    try:
        with os.fdopen(reading) as number:
            yield f":{number.readline().strip()}"
    finally:
        process.terminate()
        process.wait(timeout=10)


@contextmanager
def open_webkit(display: str, *settings: str) -> Iterator[WebDriver]:
    """A fresh browser with these settings."""
    options = Options()
    options.binary_location = find_browser()
    for argument in ("--automation", *settings):
        options.add_argument(argument)
    environment = {**os.environ, "DISPLAY": display, "WEBKIT_DISABLE_COMPOSITING_MODE": "1"}
    service = Service(shutil.which("WebKitWebDriver") or "", env=environment)
    driver = webdriver.WebKitGTK(options=options, service=service)
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    if not (find_browser() and shutil.which("WebKitWebDriver") and shutil.which("Xvfb")):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(NO_WEBKIT)
    with screen() as name:
        yield name


Opener = Callable[..., "Person"]


class Person:
    """Somebody before a WebKit browser. What they look for is waited for."""

    def __init__(self, driver: WebDriver) -> None:
        self.driver = driver

    def find(self, css: str) -> WebElement:
        return self._wait(
            lambda driver: next((e for e in driver.find_elements(By.CSS_SELECTOR, css) if e.is_displayed()), None),
            f"no {css}",
        )

    def click(self, css: str) -> None:
        """Scrolled to the middle first: a bar at the foot of the page may lie over it."""
        element = self.find(css)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def type(self, css: str, text: str) -> None:
        """Until it stands there: a field in a frame takes no key before the frame has its size and the focus."""

        def type_once(driver: WebDriver) -> bool:
            self.click(css)
            field = self.find(css)
            field.clear()
            field.send_keys(text)
            return str(field.get_property("value")).replace(" ", "") == text.replace(" ", "")

        self._wait(type_once, f"can't type into {css}")

    def _wait(self, step: Callable[[WebDriver], Any], message: str) -> Any:
        """Again while the page is still being put together. A failure tells what the page said instead."""
        moving = (StaleElementReferenceException, ElementNotInteractableException, NoSuchElementException)
        try:
            return WebDriverWait(self.driver, WAIT_S, ignored_exceptions=moving).until(step)
        except TimeoutException:
            self.driver.switch_to.default_content()
            said = " ".join(self.driver.find_element(By.TAG_NAME, "main").text.split())[:600]
            raise AssertionError(f"{message}; at {self.driver.current_url}: {said}") from None

    def wait_for_url(self, part: str) -> str:
        self._wait(lambda driver: part in driver.current_url, f"never at {part}")
        return str(self.driver.current_url)

    def heading(self) -> str:
        return self.find("h1").text

    def wait_for_heading(self, text: str) -> None:
        self._wait(lambda driver: text in self.heading(), f"no heading {text}")

    def text(self) -> str:
        return self.find("body").text

    def sign_in(self, address: str, email: str, password: str) -> None:
        self.driver.get(f"{address}/")
        self.type("input[name=login]", email)
        self.type("input[name=password]", password)
        self.click("form[action*='/account/login/'] button[type=submit]")
        self.wait_for_url("/portal/")

    def fill_card_frame(self, number: str) -> None:
        """The processor's own fields inside our page: in sight and at their size, else they take no key."""
        self._wait(lambda driver: self.find(".card-frame iframe").size["height"] > 150, "the fields have no height")
        frame = self.find(".card-frame iframe")
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", frame)
        self.driver.switch_to.frame(frame)
        self.fill_card(number)
        self.driver.switch_to.default_content()

    def fill_card(self, number: str) -> None:
        for name, value in (
            ("cc-number", number),
            ("cc-exp", "12/40"),
            ("cc-csc", "123"),
            ("postal-code", "80401"),
        ):
            self.type(f"input[autocomplete~='{name}']", value)


@pytest.fixture
def open_person(display: str) -> Iterator[Opener]:
    """`open_person(*CAREFUL)`: a person before a fresh browser with these settings."""
    from contextlib import ExitStack

    with ExitStack() as opened:
        yield lambda *settings: Person(opened.enter_context(open_webkit(display, *settings)))
