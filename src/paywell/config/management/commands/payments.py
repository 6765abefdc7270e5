"""`paywell payments close|open`: while they are closed no payment and no refund begins."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from paywell.core.closing import close_payments, get_closing, open_payments


class Command(BaseCommand):
    help = "Close payments on this machine, open them, or say how it stands."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", nargs="?", choices=["close", "open", "show"], default="show")

    def handle(self, *args: Any, what: str, **options: Any) -> None:
        if what == "close":
            close_payments("by hand")
        elif what == "open":
            open_payments()
        closing = get_closing()
        if closing is None:
            self.stdout.write("Payments are open.")
        else:
            self.stdout.write(f"Payments are closed ({closing.reason}) since {closing.closed_at}.")
