"""`paywell check-audit`: says whether the audit trail is whole. Exit code 0 if it is, else 1."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from paywell.audit.check import check_chains


class Command(BaseCommand):
    help = "Check the chains of hashes of the audit trail. Changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        result = check_chains()
        for one in result.breaks:
            self.stdout.write(f"Chain {one.chain_id}, event {one.seq}: {one.words}.")
        self.stdout.write(f"{result.events} events in {result.chains} chains, {len(result.breaks)} broken places.")
        if result.breaks:
            sys.exit(1)
