"""What the worker does by the clock: each job by its path, and how often, in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Each of these jobs is safe to run twice and does nothing when nothing is due.
PERIODIC: Final[tuple[tuple[str, int], ...]] = (
    ("paywell.payments.jobs.deliver_outbox", 2),
    ("paywell.payments.jobs.reconcile", 60),
    ("paywell.work.jobs.run_due", 1),
    ("paywell.work.jobs.forget_expired", 3600),
    ("paywell.care.jobs.forget_imports", 3600),
    ("paywell.payments.jobs.sweep_all", 3600),
    ("paywell.books.jobs.check", 600),
    ("paywell.books.jobs.check_recent", 3600),
    ("paywell.books.jobs.check_month", 86400),
    ("paywell.audit.jobs.seal_views", 3600),
    ("paywell.core.jobs.gather_statistics", 86400),
    ("paywell.config.jobs.back_up", 3600),
    ("paywell.config.jobs.drill", 3600),
    ("paywell.agreements.jobs.announce", 3600),
    ("paywell.agreements.jobs.charge", 300),
    ("paywell.billing.jobs.invoices", 900),
    ("paywell.notifications.jobs.remind", 1800),
)

#: What a worker that has just started leaves for so many seconds. It starts when everything else does, after an
#: upgrade or when the machine does, while people pay: the checks read all the books, back-ups the database.
NOT_AT_ONCE: Final[Mapping[str, int]] = {
    "paywell.books.jobs.check": 120,
    "paywell.books.jobs.check_recent": 240,
    "paywell.books.jobs.check_month": 360,
    "paywell.config.jobs.back_up": 600,
    "paywell.config.jobs.drill": 1200,
}
