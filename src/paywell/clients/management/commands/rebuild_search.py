"""`paywell rebuild_search`: make the words by which clients are found anew."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from paywell.clients.search import rebuild


class Command(BaseCommand):
    help = "Make the words by which clients are found anew, from the clients themselves. Safe at any time."

    def handle(self, *args: Any, **options: Any) -> None:
        count = rebuild()
        self.stdout.write(f"The words of {count} clients are made anew.")
