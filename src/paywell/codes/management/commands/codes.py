"""`paywell codes import|list|remove`: the releases of ICD-10-CM that this installation knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from paywell.codes.actions import install_release, remove_release
from paywell.codes.models import CodeRelease
from paywell.codes.order_file import COMPLETE_LINES, Period, guess_period, list_packaged, read_order_file
from paywell.codes.queries import list_releases
from paywell.core.errors import UserError


def day(text: str) -> date:
    """A day as the command line takes it."""
    return date.fromisoformat(text)


class Command(BaseCommand):
    help = "Install, list and remove releases of ICD-10-CM (the CDC's file icd10cm-order-YEAR.txt)."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verb = verbs.add_parser("import", help="Install a release from the CDC's order file.")
        verb.add_argument("file", nargs="?", type=Path, help="icd10cm-order-2027.txt, icd10cm-order-April-2026.txt")
        verb.add_argument("--packaged", action="store_true", help="The list that simple-icd-10-cm brings.")
        verb.add_argument("--name", default="", help="What to call it; else the file's name says: FY2027.")
        verb.add_argument("--from", dest="valid_from", type=day, help="First date of service, 2026-10-01.")
        verb.add_argument("--until", dest="valid_until", type=day, help="Last date of service, 2027-09-30.")
        verb.add_argument("--partial", action="store_true", help="An excerpt: what it lacks may exist.")
        verbs.add_parser("list", help="What is installed.")
        verb = verbs.add_parser("remove", help="Take a release out.")
        verb.add_argument("name")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        try:
            {"import": self._import, "list": self._list, "remove": self._remove}[verb](options)
        except UserError as error:
            raise CommandError(error.message) from None

    def _import(self, options: dict[str, Any]) -> None:
        file: Path | None = options["file"]
        if options["packaged"] == (file is not None):
            raise CommandError("Name the CDC's order file, or say --packaged.")
        if file is not None:
            try:
                data = file.read_bytes()
            except OSError as error:
                raise CommandError(f"{file} can't be read: {error.strerror}.") from None
            source, lines = file.name, read_order_file(data)
        else:
            data = b""
            source, packaged = list_packaged()
            lines = list(packaged)
        if len(lines) < COMPLETE_LINES and not options["partial"]:
            raise CommandError(
                f"The file has {len(lines)} codes; a complete release has more than {COMPLETE_LINES}. Take the "
                "order file itself, not its addenda; or say --partial, and codes that it lacks are not called "
                "wrong."
            )
        release = install_release(
            lines=lines, period=_period(source, options), source=source, data=data,
            is_complete=not options["partial"],
        )  # fmt: skip
        self.stdout.write(f"Installed {_tell(release)}")

    def _list(self, options: dict[str, Any]) -> None:
        releases = list(list_releases())
        for release in releases:
            self.stdout.write(_tell(release))
        if not releases:
            self.stdout.write("None is installed: codes are checked by their form only.")

    def _remove(self, options: dict[str, Any]) -> None:
        remove_release(name=options["name"])
        self.stdout.write(f"{options['name']} is removed.")


def _period(source: str, options: dict[str, Any]) -> Period:
    """From the arguments, and what they leave open from the file's name."""
    period = guess_period(source)
    if period is None:
        if not options["valid_from"] or not options["valid_until"]:
            raise CommandError(
                "The file's name does not say which year it is for. Say --from and --until, the first and the last "
                "date of service."
            )
        period = Period(f"From {options['valid_from']}", options["valid_from"], options["valid_until"])
    given = {
        "name": options["name"],
        "valid_from": options["valid_from"],
        "valid_until": options["valid_until"],
    }
    period = replace(period, **{key: value for key, value in given.items() if value})
    if period.valid_until < period.valid_from:
        raise CommandError("The last date of service is before the first.")
    return period


def _tell(release: CodeRelease) -> str:
    kind = "" if release.is_complete else ", an excerpt"
    return (
        f"{release.name}: {release.codes} codes for services from {release.valid_from} to {release.valid_until}"
        f"{kind} ({release.source})"
    )
