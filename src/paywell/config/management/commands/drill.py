"""`paywell drill`: try out a back-up without touching anything."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from paywell.config.backups import BackupError, read_backup
from paywell.config.daily import list_daily
from paywell.config.drill import try_out
from paywell.core.backup_news import get_backup_news, note_tried_out
from paywell.core.clock import now


class Command(BaseCommand):
    help = "Put a back-up into a scratch database, check it there, and throw that away. Nothing else is changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="Default: the newest of the daily back-ups.")
        parser.add_argument("--daily", action="store_true", help="Give way to everything else on this machine.")

    def handle(self, *args: Any, file: Path | None, daily: bool, **options: Any) -> None:
        if daily:
            os.nice(10)
        files = [file] if file else list_daily()
        if not files:
            raise CommandError("There is no daily back-up yet. Name a file.")
        try:
            backup = read_backup(files[0])
        except BackupError as error:
            note_tried_out(now(), seconds=0, transfers=0, why=str(error))
            raise CommandError(str(error)) from None
        why = try_out(backup)
        if why:
            raise CommandError(f"{files[0]} did not come back whole: {why}")
        told = get_backup_news().tried_out
        if told is not None:
            self.stdout.write(
                f"{files[0]} came back whole in {told.seconds} s, with {told.transfers:,} ledger transfers."
            )
