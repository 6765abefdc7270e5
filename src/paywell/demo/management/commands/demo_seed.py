"""`paywell demo_seed`: the demonstration's data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from paywell.demo.processor import serving
from paywell.demo.seed import seed, write_people


class Command(BaseCommand):
    help = "Fill the demonstration's two practices. A second run changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fresh", action="store_true", help="Throw the demonstration's data away first.")
        parser.add_argument("--address", default="", help="Where the portal is served; for var/demo.json.")
        parser.add_argument(
            "--processor-url", default="http://127.0.0.1:8001", help="Where the test processor is served."
        )

    def handle(self, *args: Any, fresh: bool, address: str, processor_url: str, **options: Any) -> None:
        if not settings.IS_DEMO:
            raise CommandError("Demonstration data belongs in the demonstration: use ./run demo.")
        if fresh:
            _begin_anew()
            call_command("migrate", verbosity=0)
        address = address or settings.PUBLIC_URL or "http://127.0.0.1:8000"
        settings.PUBLIC_URL = address  # the processor sends payers back there
        with serving(processor_url, Path(settings.VAR) / "test-processor.sqlite3"):
            made = seed(processor_url=processor_url, address=address)
        write_people(Path(settings.VAR) / "demo.json", address)
        self.stdout.write("The demonstration is filled." if made else "The demonstration's data is there already.")


def _begin_anew() -> None:
    """Drop everything. Rows that refuse deletion leave with their tables."""
    if connection.vendor == "sqlite":
        name = str(connection.settings_dict["NAME"])
        connection.close()
        for suffix in ("", "-wal", "-shm"):
            Path(name + suffix).unlink(missing_ok=True)
        return
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
