"""What a process of the pool does first: nothing of Django may be imported before it is set up."""

from __future__ import annotations

import atexit
import os


def begin() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.faults.settings"
    if url := os.environ.get("PAYWELL_TEST_DATABASE_URL"):
        os.environ["PAYWELL_TEST_DATABASE_URL"] = _own_database(url)
    import django

    django.setup()
    from tests.faults.stage import get_stage

    get_stage()


def _own_database(url: str) -> str:
    """A PostgreSQL database of this process, gone when it ends."""
    from tests.concurrency.own_database import copy_on_postgresql

    whole = copy_on_postgresql(url)
    atexit.register(whole.__exit__, None, None, None)
    return whole.__enter__()
