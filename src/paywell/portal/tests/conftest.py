from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client as Browser

from paywell.clients.models import Grant
from paywell.payments import processor_accounts
from paywell.payments.tests.factories import World, make_world
from paywell.payments.tests.fake_processor import FakeProcessor
from paywell.processors.contract import Fields, Hosts, Style

FIELDS = "https://fields.example.org"
STEP_TWO = "https://pay.example.org"


class PortalProcessor(FakeProcessor):
    """With hosts of its own, so that a page's policy can be compared with them."""

    def hosts(self) -> Hosts:
        if self.style is Style.TWO_STEP:
            return Hosts(form_action=(STEP_TWO,))
        return Hosts(frame_src=(FIELDS,))

    def fields(self) -> Fields | None:
        if self.style is Style.TWO_STEP:
            return None
        return Fields("test_inline", config={"frame_url": f"{FIELDS}/card?account=1", "origin": FIELDS})


@pytest.fixture
def world(db: None) -> World:
    """A practice with an inline processor; a contact with every right."""
    world = make_world()
    Grant.objects.filter(contact=world.contact).update(may_see_documents=True, may_see_diagnosis=True)
    world.practice.phone, world.practice.email = "+12125550123", "hello@riverside.example.org"
    world.practice.save()
    return world


@pytest.fixture
def processor(world: World, monkeypatch: pytest.MonkeyPatch) -> PortalProcessor:
    fake = PortalProcessor(Style.INLINE)
    monkeypatch.setattr(processor_accounts, "make_processor", lambda account: fake)
    return fake


@pytest.fixture
def two_step(world: World, processor: PortalProcessor) -> PortalProcessor:
    processor.style = Style.TWO_STEP
    world.processor_account.connector = "test_two_step"
    world.processor_account.save()
    return processor


@pytest.fixture
def browser(world: World, processor: PortalProcessor) -> Browser:
    """Signed in as the world's contact."""
    browser = Browser()
    browser.force_login(world.user)
    return browser


@pytest.fixture
def another(processor: PortalProcessor) -> Callable[[str], World]:
    """Another practice with its own client."""
    return make_world


@pytest.fixture
def nobody(processor: PortalProcessor) -> Browser:
    """A browser that keeps no cookie, as with Block All Cookies, and that checks CSRF as a real server does."""

    class Cookieless(Browser):
        def request(self, **request: object) -> object:
            self.cookies.clear()
            return super().request(**request)

    return Cookieless(enforce_csrf_checks=True)
