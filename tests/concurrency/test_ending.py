"""What the race of ending against charging counts as a violation, and what not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from paywell.agreements.models import Agreement
from paywell.core import clock
from paywell.payments import processor_accounts
from paywell.payments.tests.fake_processor import FakeProcessor
from tests.concurrency.ending import charge_or_end, seed_agreements, was_charged_after_the_end

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("later", "is_violation"), [(None, False), (timedelta(seconds=5), False), (timedelta(seconds=-5), True)]
)
def test_a_charge_is_after_the_end_only_where_somebody_ended_it_before(
    monkeypatch: pytest.MonkeyPatch, later: timedelta | None, is_violation: bool
) -> None:
    fake = FakeProcessor()
    monkeypatch.setattr(processor_accounts, "make_processor", lambda account: fake)
    thing = seed_agreements(1, 12_000)[0]
    assert charge_or_end(thing, 12_000, is_payer=False) == "done"
    if later is not None:
        Agreement.objects.filter(pk=thing["agreement"]).update(ended_at=clock.now() + later)
    assert was_charged_after_the_end(thing) is is_violation
