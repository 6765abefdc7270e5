"""`paywell worker`: the one background process. Runs queued jobs, and the periodic ones by the clock."""

from __future__ import annotations

import logging
import signal
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import OperationalError, close_old_connections
from django.utils.module_loading import import_string
from django_tasks_db.management.commands.db_worker import Worker

from paywell.config.schedule import NOT_AT_ONCE, PERIODIC
from paywell.core.closing import get_closing
from paywell.core.ids import new_key

log = logging.getLogger("paywell.worker")


class ClockedWorker(Worker):
    """The queue's own worker, which also enqueues each periodic job when it is due."""

    def __init__(self, interval: float, *, leaves_checks: bool) -> None:
        super().__init__(
            queue_names=["*"],
            interval=interval,
            batch=True,  # one after the other, so that the clock is looked at between them
            backend_name="default",
            startup_delay=False,
            max_tasks=None,
            worker_id=new_key(),
            excluded_queue_names=[],
        )
        left = NOT_AT_ONCE if leaves_checks else {}
        now = time.monotonic()
        self._due = {path: now + left.get(path, 0) for path, _ in PERIODIC}

    def run_due(self) -> bool:
        """Run what the clock asks for, in this process: a job that fails is logged and comes again.

        True where a job says that there is more to do at once.
        """
        more = False
        for path, every_s in PERIODIC:
            if time.monotonic() < self._due[path]:
                continue
            self._due[path] = time.monotonic() + every_s
            try:
                more |= import_string(path).call() is True
            except Exception:
                log.exception("%s failed; it runs again in %s s", path, every_s)
        return more

    def run_once(self) -> bool:
        """Everything that is due and everything that is queued. True where more can be done at once."""
        more = self.run_due()
        super().run()
        return more


class Command(BaseCommand):
    help = "Run background work: e-mails, looking up payments, the sweep."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--interval", type=float, default=1.0, help="Seconds between looks at the queue.")
        parser.add_argument("--once", action="store_true", help="Do what is due and queued, then end.")

    def handle(self, *args: Any, interval: float, once: bool, **options: Any) -> None:
        worker = ClockedWorker(interval, leaves_checks=not once)
        stop = False

        def finish(signum: int, frame: object) -> None:
            nonlocal stop
            stop = True
            worker.running = False

        signal.signal(signal.SIGINT, finish)
        signal.signal(signal.SIGTERM, finish)
        while not stop:
            more = False
            try:
                # While a back-up is put in place nothing else may write, and no e-mail of the past may go out.
                closing = get_closing()
                if closing is None or closing.reason != "restore":
                    more = worker.run_once()
            except OperationalError:
                log.exception("The database did not answer; trying again")
                close_old_connections()
            if once and not more:
                return
            if not stop and not more:
                time.sleep(interval)
