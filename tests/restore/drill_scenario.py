"""The worker makes a back-up and tries it out, both in processes of their own; then copies that are not whole.

`python -m tests.restore.drill_scenario` prints what came of it as JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any

import django


def main() -> None:
    from django.core.management import call_command
    from django.db import connection

    from paywell.payments.tests.factories import make_line, make_world

    call_command("migrate", verbosity=0)
    make_line(make_world(), 12000)
    told = play()
    told |= {"database": connection.vendor, "left": list_left()}
    print(json.dumps(told))


def play() -> dict[str, Any]:
    from django.db import connection

    from paywell.config import jobs
    from paywell.config.daily import list_daily
    from paywell.core.backup_news import get_backup_news
    from paywell.ledger.models import Transfer

    jobs.drill.func()
    told: dict[str, Any] = {"before": list(jobs._running)}
    jobs.back_up.func()
    told["backup"] = jobs._running["backup"].wait(60)
    jobs.back_up.func()  # made today
    [made] = list_daily()
    jobs.drill.func()
    told["drill"] = jobs._running["drill"].wait(100)
    jobs.drill.func()  # tried out this week
    news = get_backup_news()
    assert news.made is not None
    assert news.tried_out is not None
    told |= {
        "size": news.made.size == made.stat().st_size, "why": news.tried_out.why, "is_well": news.is_well,
        "transfers": news.tried_out.transfers, "of_it": news.tried_out.backup_at == news.made.at,
        "begun_once": [jobs._running[name].returncode for name in ("backup", "drill")],
    }  # fmt: skip
    told |= {"name": made.name, "beside": sorted(path.name for path in made.parent.iterdir())}
    whole = made.read_bytes()
    write(made, whole[: len(whole) // 2])
    told["named"] = [drill(str(made)), drill("nowhere")]
    told["is_well_named"] = get_backup_news().is_well
    told["cut"] = drill()
    if connection.vendor == "sqlite":
        write(made, whole)
        with closing(sqlite3.connect(made)) as copy, copy:
            for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                copy.execute(f'DROP TRIGGER "{name}"')
            copy.execute("UPDATE ledger_transfer SET amount_minor = amount_minor + 1")
        write(made, made.read_bytes())
        told["forged"] = drill()
    told["is_well_after"] = get_backup_news().is_well
    told["ours"] = list(Transfer.objects.values_list("amount_minor", flat=True))
    return told


def drill(*file: str) -> str:
    from django.core.management import CommandError, call_command

    try:
        call_command("drill", *file, stdout=StringIO())
    except CommandError as error:
        return str(error)
    return ""


def write(file: Path, content: bytes) -> None:
    """With the checksum that the copy now has."""
    file.write_bytes(content)
    note = file.with_name(file.name + ".json")
    told = json.loads(note.read_text())
    note.write_text(json.dumps(told | {"sha256": hashlib.sha256(content).hexdigest()}))


def list_left() -> list[str]:
    """What the drills left behind."""
    from django.conf import settings
    from django.db import connection

    if connection.vendor == "sqlite":
        return [path.name for path in (Path(settings.VAR) / "backups").glob("trial-*")]
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'paywell_trial_%'")
        return [name for (name,) in cursor.fetchall()]


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paywell.config.settings.demo")
    django.setup()
    main()
