"""What a process of the pool does first: nothing of Django may be imported before it is set up."""

from __future__ import annotations

import os


def begin() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.faults.settings"
    import django

    django.setup()
    from tests.faults.stage import get_stage

    get_stage()
