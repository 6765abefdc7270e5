"""An app for processes under test: minutes become seconds, put in from outside after everything is loaded."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

from django.apps import AppConfig

#: What the schedule is instead. A lease stays longer than a payment takes on a loaded machine.
SHORT: dict[str, Any] = {
    "LOOK_AFTER": tuple(timedelta(seconds=seconds) for seconds in (1, 2, 4, 6, 9)),
    "LOOK_EVERY": timedelta(seconds=3),
    "LEASE": timedelta(seconds=12),
}
#: How long "there is no such refund" is not believed. No request here is on its way for longer.
GRACE_S = 20


class QuickConfig(AppConfig):
    name = "tests.concurrency.quick"
    label = "quick"

    def ready(self) -> None:
        from paywell.config import schedule
        from paywell.notifications import send
        from paywell.outbox import delivery
        from paywell.payments import jobs  # noqa: F401 (jobs loads what uses it)
        from paywell.payments import schedule as payment_schedule

        for name, short in SHORT.items():
            usual = getattr(payment_schedule, name)
            for module in [m for n, m in list(sys.modules.items()) if n.startswith("paywell.payments")]:
                if getattr(module, name, None) is usual:
                    setattr(module, name, short)
        for module in [m for n, m in list(sys.modules.items()) if n.startswith("paywell.payments")]:
            if hasattr(module, "GRACE_S"):
                module.GRACE_S = GRACE_S
        delivery.LEASE = timedelta(seconds=12)  # type: ignore[misc]
        delivery.RETRY_AFTER = tuple(timedelta(seconds=seconds) for seconds in (1, 1, 2, 2, 3))
        send._LEASE = timedelta(seconds=12)  # type: ignore[misc]
        often = {"paywell.payments.jobs.reconcile": 1, "paywell.payments.jobs.sweep_all": 20}
        schedule.PERIODIC = tuple((path, often.get(path, every)) for path, every in schedule.PERIODIC)  # type: ignore[misc]
