"""`paywell test_processor`: the pretended card processor, on an address of its own."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from paywell.processors.testbench.app import Running
from paywell.processors.testbench.store import Store, Timing


class Command(BaseCommand):
    help = "Start the test processor: a pretended card processor with its own pages. No real money."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8001)
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--data", type=Path, default=None, help="Its database; by default in the var folder.")
        parser.add_argument("--late", type=float, default=Timing().late_s, help="Seconds that a late answer takes.")

    def handle(self, *, port: int, host: str, data: Path | None, late: float, **options: Any) -> None:
        if not settings.ALLOW_TEST_PROCESSORS:
            raise CommandError("Test processors are turned off here (ALLOW_TEST_PROCESSORS).")
        path = data or settings.VAR / "test-processor.sqlite3"
        path.parent.mkdir(parents=True, exist_ok=True)
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        store = Store(path, Timing(late_s=late))
        with Running(store, port, host) as running:
            self.stdout.write(f"The test processor serves at {running.base_url} (no real money).")
            stopped.wait()
        store.close()
