"""`paywell import clients FILE`."""

from __future__ import annotations

from paywell.care.imports.command import ImportCommand
from paywell.practice.models import ImportKind


class Command(ImportCommand):
    help = "Read a practice's list of clients from a CSV file."
    kind = ImportKind.CLIENTS
