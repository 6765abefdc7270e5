"""What the commands `import_clients`, `import_services` and `import_catalogue` share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from paywell.care.imports.whole import import_whole
from paywell.care.models import ImportList
from paywell.core.csv_import import MAX_BYTES, Report
from paywell.core.errors import UserError
from paywell.practice.actions import save_import_preset
from paywell.practice.models import ImportKind
from paywell.practice.queries import get_import_preset, get_practice

#: Errors that are shown one by one; the rest are counted.
MAX_SHOWN = 50


class ImportCommand(BaseCommand):
    """Reads one CSV file into one practice. All rows or none; `--dry-run` only says what would happen."""

    kind: ImportKind

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="The CSV file.")
        parser.add_argument("--practice", default="", help="Its short name; not needed where there is one only.")
        parser.add_argument(
            "--map", action="append", default=[], metavar='"Header=field"',
            help="Which field a column is; 'Header=' leaves the column out. May be repeated.",
        )  # fmt: skip
        parser.add_argument("--preset", default="", help="Use the mapping kept under this name.")
        parser.add_argument("--save-preset", action="store_true", help="Keep the mapping under the preset's name.")
        parser.add_argument("--dry-run", action="store_true", help="Change nothing; say what would be changed.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = self._import(**options)
        except UserError as error:
            raise CommandError(error.message) from None
        self._say(report, dry_run=options["dry_run"])

    def _import(self, **options: Any) -> Report:
        practice = get_practice(options["practice"])
        chosen = dict(_read_pair(pair) for pair in options["map"])
        name = options["preset"]
        if options["save_preset"] and not name:
            raise UserError("Name the preset that is to be kept, by --preset NAME.", code="preset_name")
        if name and not options["save_preset"]:
            chosen = {**get_import_preset(practice, self.kind, name), **chosen}
        report = import_whole(
            ImportList(self.kind.value),
            practice=practice,
            data=_read_file(options["file"]),
            mapping=chosen,
            actor_id=None,
            dry_run=options["dry_run"],
        )
        if options["save_preset"] and not options["dry_run"] and not report.errors:
            mapping = {**dict(report.mapping), **chosen}
            save_import_preset(practice=practice, kind=self.kind, name=name, mapping=mapping, actor_id=None)
        return report

    def _say(self, report: Report, *, dry_run: bool) -> None:
        for header, name in report.mapping.items():
            self.stdout.write(f"  {header} is {name}")
        if report.ignored:
            self.stdout.write(f"Not read: {', '.join(report.ignored)}")
        if report.never:
            self.stdout.write(f"Never read (notes, card data or secrets): {', '.join(report.never)}")
        if report.errors:
            for error in report.errors[:MAX_SHOWN]:
                self.stderr.write(str(error))
            more = len(report.errors) - MAX_SHOWN
            rest = f" ({more} more are not shown)" if more > 0 else ""
            raise CommandError(f"{len(report.errors)} errors{rest}. Nothing was imported.")
        would = "Would be" if dry_run else "Done:"
        self.stdout.write(
            f"{would} {report.created} created, {report.updated} updated, {report.unchanged} unchanged."
        )
        if dry_run:
            self.stdout.write("Dry run: nothing was changed.")


def _read_pair(pair: str) -> tuple[str, str]:
    header, separator, name = pair.rpartition("=")
    if not separator or not header.strip():
        raise UserError(f"Write --map 'Header=field', not {pair!r}.", code="map_invalid")
    return header.strip(), name.strip()


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}.", code="file_unreadable") from None
