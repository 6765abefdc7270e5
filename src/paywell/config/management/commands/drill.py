"""`paywell drill`: try out a back-up without touching anything. What became of the daily one stands on Status."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from paywell.config.backups import BackupError, read_backup
from paywell.config.daily import list_daily
from paywell.config.drill import try_out
from paywell.core import clock
from paywell.core.backup_news import TriedOut, get_backup_news, note_tried_out


class Command(BaseCommand):
    help = "Put a back-up into a scratch database, check it there, and throw that away. Nothing else is changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="Default: the newest of the daily back-ups.")
        parser.add_argument("--daily", action="store_true", help="Give way to everything else on this machine.")

    def handle(self, *args: Any, file: Path | None, daily: bool, **options: Any) -> None:
        if daily:
            os.nice(10)
        path = file or next(iter(list_daily()), None)
        if path is None:
            raise CommandError("There is no daily back-up yet. Name a file.")
        result = self._try_out(path)
        if file is None:  # One that somebody names is no news of the worker's own.
            note_tried_out(result)
        if not result.is_whole:
            raise CommandError(f"{path} did not come back whole: {result.why}")
        self.stdout.write(
            f"{path} came back whole in {result.seconds} s, with {result.transfers:,} ledger transfers."
        )

    def _try_out(self, path: Path) -> TriedOut:
        try:
            backup = read_backup(path)
        except BackupError as error:
            made = get_backup_news().made
            return TriedOut(clock.now(), made.at if made else clock.now(), 0, 0, str(error))
        return try_out(backup)
