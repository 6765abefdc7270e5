"""`paywell check-documents`: names every document that is not what was issued. Exit code 0 if there is none."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from paywell.core.errors import UserError
from paywell.documents.check_issued import check_issued
from paywell.practice.queries import get_practice


class Command(BaseCommand):
    help = "Check the digests and numbers of everything issued. Changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--practice", default="", help="Its short name; without it, the whole installation.")

    def handle(self, *args: Any, practice: str, **options: Any) -> None:
        try:
            practice_id = get_practice(practice).id if practice else None
        except UserError as error:
            raise CommandError(error.message) from None
        found = 0
        for line in check_issued(practice_id):
            found += 1
            self.stdout.write(line)
        self.stdout.write(f"{found} found." if found else "Everything issued is as it was issued.")
        if found:
            sys.exit(1)
