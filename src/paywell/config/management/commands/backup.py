"""`paywell backup`: a copy of the whole database, while Paywell runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from paywell.config.backups import BackupError, make_backup
from paywell.config.daily import make_daily_backup


class Command(BaseCommand):
    help = "Copy the database. Keep the copy and the installation's secrets apart from each other."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="Default: a new file in the var folder's backups.")
        parser.add_argument(
            "--daily", action="store_true", help="As the worker does: give way to others, keep fourteen of them."
        )

    def handle(self, *args: Any, file: Path | None, daily: bool, **options: Any) -> None:
        if daily:
            os.nice(10)
        try:
            backup = make_daily_backup() if daily else make_backup(file)
        except BackupError as error:
            raise CommandError(str(error)) from None
        size = backup.path.stat().st_size / 1_000_000
        self.stdout.write(f"{backup.path} ({size:.1f} MB). Keep {backup.path.name}.json beside it.")
