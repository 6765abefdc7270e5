from __future__ import annotations

import pytest

from paywell.books.tests.worlds import Books, make_books
from paywell.payments import processor_accounts
from paywell.payments.tests.factories import make_world
from paywell.payments.tests.fake_processor import FakeProcessor
from paywell.processors.contract import Style


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> FakeProcessor:
    fake = FakeProcessor(Style.INLINE)
    monkeypatch.setattr(processor_accounts, "make_processor", lambda account: fake)
    return fake


@pytest.fixture
def books(db: None, processor: FakeProcessor) -> Books:
    return make_books(make_world(), processor)
