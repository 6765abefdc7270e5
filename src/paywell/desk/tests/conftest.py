"""The practice on which desk pages are tried."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from paywell.core import clock
from paywell.desk.tests.factories import Desk, make_desk


@pytest.fixture
def desk(db: None) -> Iterator[Desk]:
    with clock.set_to(datetime(2026, 11, 23, 18, tzinfo=UTC)):
        yield make_desk()
