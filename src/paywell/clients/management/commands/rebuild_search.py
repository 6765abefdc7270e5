"""`paywell rebuild_search`: make the words by which clients and accounts are found anew."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from paywell.clients.search import rebuild, rebuild_accounts


class Command(BaseCommand):
    help = "Make the words by which clients and accounts are found anew, from these themselves. Safe at any time."

    def handle(self, *args: Any, **options: Any) -> None:
        clients, accounts = rebuild(), rebuild_accounts()
        self.stdout.write(f"The words of {clients} clients and {accounts} accounts are made anew.")
