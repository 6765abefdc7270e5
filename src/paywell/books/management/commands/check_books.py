"""`paywell check-books`: names every row that breaks a law of the books. Exit code 0 if there is none, else 1."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from paywell.books.check import Report, check_books
from paywell.books.invariants import TITLES
from paywell.core.errors import UserError
from paywell.practice.queries import get_practice


class Command(BaseCommand):
    help = "Check the twelve laws of the books. Changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--practice", default="", help="Its short name; without it, the whole installation.")
        parser.add_argument(
            "--processor", action="store_true", help="Also ask each processor for its whole list of charges."
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, practice: str, processor: bool, **options: Any) -> None:
        try:
            practice_id = get_practice(practice).id if practice else None
        except UserError as error:
            raise CommandError(error.message) from None
        report = check_books(practice_id, with_processor=processor)
        if options["json"]:
            self.stdout.write(json.dumps(report.to_json(), indent=2))
        else:
            self._print(report)
        if not report.is_well:
            sys.exit(1)

    def _print(self, report: Report) -> None:
        law = 0
        for offence in report.offences:
            if offence.law != law:
                law = offence.law
                self.stdout.write(f"I{law} {TITLES[law]}")
            self.stdout.write(f"  {offence.id}  {offence.what}")
        for name in report.unasked:
            self.stdout.write(f"Not compared: {name}.")
        self.stdout.write(report.summary())
