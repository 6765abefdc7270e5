"""`paywell restore`: put a back-up in place, and bring it to what the processors say before payments open again.

The steps, and why each of them is there, stand in docs/restore.md.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from paywell.books.actions import record_check
from paywell.books.check import Report, check_books
from paywell.books.invariants import TITLES
from paywell.config.backups import Backup, BackupError, make_backup, put_back, read_backup
from paywell.core.closing import close_payments, open_payments
from paywell.payments.models import Attempt
from paywell.payments.reconcile import reconcile_due
from paywell.payments.restoring import Restored, reconcile_after_restore

_STAYS_CLOSED = "Payments stay closed."


class Command(BaseCommand):
    help = "Restore a back-up, rebuild from the processors what it lacks, check the books, and open payments again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="What `paywell backup` made, with its .json beside it.")
        parser.add_argument("--yes", action="store_true", help="Don't ask.")
        parser.add_argument(
            "--again",
            action="store_true",
            help="The back-up is in place already: only compare with the processors once more.",
        )

    def handle(self, *args: Any, file: Path, yes: bool, again: bool, **options: Any) -> None:
        try:
            backup = read_backup(file)
        except BackupError as error:
            raise CommandError(str(error)) from None
        if not (yes or again or self._agrees(backup)):
            raise CommandError("Nothing was changed.")
        if not again:
            self._put_back(backup)
        close_payments("restore")
        self._reconcile(backup.made_at)

    def _agrees(self, backup: Backup) -> bool:
        self.stdout.write(
            f"The back-up is of {backup.made_at:%Y-%m-%d %H:%M} UTC. Everything written since then is replaced by "
            "it. Payments, refunds and disputes since then are rebuilt from the processors; other work is lost."
        )
        return input("Type yes to go on: ").strip().lower() == "yes"

    def _put_back(self, backup: Backup) -> None:
        close_payments("restore", is_replacing=True)
        try:
            kept = make_backup(prefix="before-restore")
            self.stdout.write(f"What stood here until now is kept in {kept.path}.")
        except BackupError as error:
            self.stdout.write(f"What stood here could not be kept ({error}).")
        try:
            put_back(backup)
        except BackupError as error:
            raise CommandError(f"{error} {_STAYS_CLOSED}") from None
        call_command("migrate", verbosity=0)
        # A sign-in that was ended since the back-up must not come back to life.
        Session.objects.all().delete()
        chain = [each for each in check_books().offences if each.law == 10]
        if chain:
            raise CommandError(
                f"The ledger in this back-up is damaged at {len(chain)} places, the first at {chain[0].id}. "
                f"Take another one. {_STAYS_CLOSED}"
            )
        self.stdout.write("The back-up is in place and whole.")

    def _reconcile(self, made_at: datetime) -> None:
        restored = reconcile_after_restore(backup_at=made_at, say=self._say)
        reconcile_due(limit=10_000)
        report = check_books(with_processor=True)
        # A queue that stood still meanwhile is the worker's, which begins when payments open.
        wrong = report.offences = [each for each in report.offences if not each.is_queue]
        record_check(report)
        self._tell(restored, report)
        unasked = sorted({*restored.unasked, *report.unasked})
        for each in wrong:
            self.stdout.write(f"I{each.law} {TITLES[each.law]}: {each.id} {each.what}")
        for name in unasked:
            self.stdout.write(f"Not compared: {name}.")
        if wrong or unasked:
            raise CommandError(
                f"{_STAYS_CLOSED} Put right what stands above, then run this command again with --again; or open "
                "them as things are: paywell payments open."
            )
        open_payments()
        self.stdout.write("The books are whole, with the processors. Payments are open again.")

    def _say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()

    def _tell(self, restored: Restored, report: Report) -> None:
        self.stdout.write(
            f"Fenced {restored.fenced}, settled {restored.differing}, rebuilt {len(restored.rebuilt)} payments and "
            f"{restored.rebuilt_refunds} refunds. {report.summary()}"
        )
        rows = Attempt.objects.filter(pk__in=restored.rebuilt).select_related("practice").order_by("created_at")
        if rows:
            self.stdout.write("Whether these payers had their receipt is not known. Each is a review in the inbox:")
        for each in rows:
            self.stdout.write(f"  {each.id}  {each.created_at:%Y-%m-%d %H:%M} UTC  {each.practice.name}")
