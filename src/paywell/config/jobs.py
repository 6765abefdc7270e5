"""Background jobs of the installation itself: its back-ups.

Each runs in a process of its own, so that the worker goes on with payments meanwhile.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Final

from django_tasks import task

from paywell.config.daily import is_backup_due, is_drill_due
from paywell.core.backup_news import is_daily

_running: Final[dict[str, subprocess.Popen[bytes]]] = {}


@task()
def back_up() -> None:
    """One a day."""
    if is_daily() and is_backup_due():
        _begin("backup", "--daily")


@task()
def drill() -> None:
    """The newest back-up is put into a database of its own and checked, once a week."""
    if is_daily() and is_drill_due():
        _begin("drill", "--daily")


def _begin(command: str, *arguments: str) -> None:
    """Unless it is running still."""
    before = _running.get(command)
    if before is None or before.poll() is not None:
        _running[command] = subprocess.Popen(
            [sys.executable, "-m", "paywell.config.cli", command, *arguments], stdin=subprocess.DEVNULL
        )
