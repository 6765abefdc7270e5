"""`paywell invoice --from 2026-11-01 --to 2026-11-15`: one invoice for each account that owes something."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from paywell.core.errors import UserError
from paywell.core.money import Money, format_money
from paywell.invoicing.actions import issue_batch
from paywell.invoicing.queries import get_uninvoiced
from paywell.practice.models import Practice
from paywell.practice.queries import get_practice


class Command(BaseCommand):
    help = "Invoice all services of a range that stand on no invoice yet. A second run issues nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--practice", default="", help="Its short name; not needed where there is one only.")
        parser.add_argument("--from", dest="date_from", type=date.fromisoformat, required=True, help="YYYY-MM-DD")
        parser.add_argument("--to", dest="date_to", type=date.fromisoformat, required=True, help="YYYY-MM-DD")
        parser.add_argument("--dry-run", action="store_true", help="Only list what would be invoiced.")

    def handle(
        self, *args: Any, practice: str, date_from: date, date_to: date, dry_run: bool, **options: Any
    ) -> None:
        try:
            found = get_practice(practice)
            if dry_run:
                self._preview(found, date_from, date_to)
            else:
                self._issue(found, date_from, date_to)
        except UserError as error:
            raise CommandError(error.message) from None

    def _preview(self, practice: Practice, date_from: date, date_to: date) -> None:
        rows = get_uninvoiced(practice, date_from, date_to)
        for row in rows:
            self.stdout.write(f"  {row.account.name}: {len(row.services)} services, {format_money(row.total)}")
        self.stdout.write(f"Would issue {len(rows)} invoices. Dry run: nothing was changed.")

    def _issue(self, practice: Practice, date_from: date, date_to: date) -> None:
        batch = issue_batch(practice=practice, date_from=date_from, date_to=date_to, actor_id=None)
        for invoice in batch:
            total = format_money(Money(invoice.total_minor, invoice.currency))
            self.stdout.write(f"  {invoice.label}  {invoice.account.name}  {total}")
        self.stdout.write(f"Issued {len(batch)} invoices.")
        for problem in batch.problems:
            self.stderr.write(f"{problem.account_name}: {problem.message}")
        if batch.problems:
            raise CommandError(f"{len(batch.problems)} accounts could not be invoiced.")
