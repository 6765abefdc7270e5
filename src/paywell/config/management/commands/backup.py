"""`paywell backup`: a copy of the whole database, while Paywell runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from paywell.config.backups import BackupError, make_backup


class Command(BaseCommand):
    help = "Copy the database. Keep the copy and the installation's secrets apart from each other."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="Default: a new file in the var folder's backups.")

    def handle(self, *args: Any, file: Path | None, **options: Any) -> None:
        try:
            backup = make_backup(file)
        except BackupError as error:
            raise CommandError(str(error)) from None
        size = backup.path.stat().st_size / 1_000_000
        self.stdout.write(f"{backup.path} ({size:.1f} MB). Keep {backup.path.name}.json beside it.")
