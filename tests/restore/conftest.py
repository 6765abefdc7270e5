from __future__ import annotations

from paywell.payments.tests.conftest import processor, two_step, world

__all__ = ["processor", "two_step", "world"]
