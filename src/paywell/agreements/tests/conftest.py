from __future__ import annotations

import pytest

from paywell.payments import processor_accounts
from paywell.payments.tests.factories import World, make_world
from paywell.payments.tests.fake_processor import FakeProcessor
from paywell.processors.contract import Style


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> FakeProcessor:
    fake = FakeProcessor(Style.INLINE)
    monkeypatch.setattr(processor_accounts, "make_processor", lambda account: fake)
    return fake
