"""`paywell import catalogue FILE`, also `paywell import-catalogue FILE`."""

from __future__ import annotations

from paywell.care.imports.command import ImportCommand
from paywell.practice.models import ImportKind


class Command(ImportCommand):
    help = "Read a practice's own price list (code, wording, fee) from a CSV file."
    kind = ImportKind.CATALOGUE
