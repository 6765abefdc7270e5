"""What happens by itself at the test processor: late charges settle, notices leave."""

from __future__ import annotations

import logging
import threading

from paywell.processors.testbench import charges, notices
from paywell.processors.testbench.store import Store, stamp

_log = logging.getLogger("paywell.testbench")


class Background(threading.Thread):
    """Does what is due a few times a second, until told to stop."""

    def __init__(self, store: Store, pause_s: float = 0.2) -> None:
        super().__init__(name="testbench-background", daemon=True)
        self.store = store
        self.pause_s = pause_s
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.wait(self.pause_s):
            try:
                settle_late(self.store)
                notices.deliver_due(self.store)
            except Exception:
                _log.exception("The test processor's background work failed; it goes on.")

    def stop(self) -> None:
        self._stopping.set()
        self.join(10)


def settle_late(store: Store) -> None:
    with store.transaction():
        for row in store.all("SELECT id FROM charges WHERE status = 'pending' AND settle_at <= ?", stamp()):
            charges.read(store, row["id"])
