"""`paywell setup`: from an empty installation to the first invited client, by questions or by options.

Without a terminal nothing is asked, and what is missing is named. Each step is saved by itself: run it again, and
it goes on where it was left.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from getpass import getpass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from paywell.accounts.access import access_desk
from paywell.accounts.installation import check_owner, get_owner, install, is_installed, make_code
from paywell.accounts.types import Permission, StaffViewer
from paywell.core.errors import UserError
from paywell.core.zones import list_zones
from paywell.desk import first_steps
from paywell.desk.queries.setup import get_checklist
from paywell.payments.processor_accounts import get_active
from paywell.practice.queries import get_practice

#: Option, question, and whether an answer is needed. Of the owner and the practice's name.
_BEGIN = (
    ("practice", "Name of the practice"),
    ("owner_name", "Your name"),
    ("owner_email", "Your e-mail, with which you sign in"),
)
#: What documents say of the practice; all may be left empty.
_DETAILS = (
    ("phone", "Phone"), ("email", "E-mail of the practice"), ("street", "Street"), ("city", "City"),
    ("state", "State, two letters"), ("postal_code", "ZIP code"), ("tax_id", "Tax number (EIN)"),
    ("npi", "Group NPI"),
)  # fmt: skip
#: Step, option, question, and what adds one line.
_LISTS = (
    ("clinicians", "clinician", "A clinician, as NAME|CREDENTIALS|NPI", first_steps.add_clinician_line),
    ("catalogue", "item", "A service, as CODE|WORDING|FEE, like IND50|Session|140", first_steps.add_item_line),
)


class Command(BaseCommand):
    help = "Set up the first practice: its owner, details, clinicians, catalogue, processor, first client."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--code", action="store_true", help="Only print a code for the browser.")
        parser.add_argument("--no-input", action="store_true", help="Ask nothing, even on a terminal.")
        for name, question in (*_BEGIN, *_DETAILS):
            parser.add_argument(f"--{name.replace('_', '-')}", default="", help=f"{question}.")
        parser.add_argument("--timezone", default="", help="Like America/Denver.")
        parser.add_argument(
            "--owner-password-file", default="", help="First line of it; else PAYWELL_OWNER_PASSWORD. Else asked."
        )
        parser.add_argument("--clinician", action="append", default=[], metavar="NAME|CREDENTIALS|NPI")
        parser.add_argument("--item", action="append", default=[], metavar="CODE|WORDING|FEE")
        parser.add_argument("--processor", default="", metavar="NAME", help="For trying out: test_inline.")
        parser.add_argument("--processor-address", default="", help="Of the test processor.")
        parser.add_argument("--allow-payments", action="store_true", help="Clients may pay through the portal.")
        parser.add_argument("--accent", default="", help="Color of the portal, like #27508f.")
        parser.add_argument("--logo", type=Path, default=None, help="A PNG file.")
        parser.add_argument("--client", default="", metavar="FIRST|LAST|EMAIL", help="Added and invited.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.asks = sys.stdin.isatty() and not options["no_input"]
        self.options = options
        try:
            if options["code"]:
                self._print_code()
                return
            if not is_installed():
                self._install()
            viewer = self._get_viewer()
            self._go_on(viewer)
        except UserError as error:
            raise CommandError(error.message) from None
        self._tell(viewer)

    def _print_code(self) -> None:
        self.stdout.write(f"Open {settings.PUBLIC_URL}/setup/ and enter this code within the hour: {make_code()}")

    def _install(self) -> None:
        given = {name: self.options[name] or self._ask(question, option=name) for name, question in _BEGIN}
        missing = [name for name, text in given.items() if not text]
        timezone = self.options["timezone"] or self._ask_zone()
        password = self._read_password(given) if not missing else ""
        if not missing and not password:
            missing = ["owner_password_file"]
        if missing:
            flags = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
            raise CommandError(f"Nothing is set up yet. Give {flags}, or run this in a terminal.")
        zone = {"timezone": timezone} if timezone else {}
        install(
            practice_name=given["practice"], owner_name=given["owner_name"], owner_email=given["owner_email"],
            password=password, **zone,
        )  # fmt: skip
        self.stdout.write(f"{given['practice']} and its owner are made.")

    def _get_viewer(self) -> StaffViewer:
        practice = get_practice()
        owner = get_owner(practice)
        if owner is None:
            raise CommandError(f"{practice} has no owner.")
        return access_desk(owner.user, practice.slug, Permission.CHANGE_SETTINGS)

    def _go_on(self, viewer: StaffViewer) -> None:
        """What the options say; and on a terminal, questions about what is still open."""
        is_open = {step.code for step in get_checklist(viewer.practice).steps if not step.is_done}
        details = {name: self.options[name] for name, _ in _DETAILS if self.options[name]}
        if "practice" in is_open and not details:
            asked = {name: self._ask(question, optional=True, option=name) for name, question in _DETAILS}
            details = {name: text for name, text in asked.items() if text}
        if details:
            first_steps.fill_in_practice(viewer, **details)
        for step, option, question, add in _LISTS:
            self._add_all(viewer, add, self.options[option], question if step in is_open else "")
        if self.options["processor"]:
            if "processor" not in is_open:
                raise CommandError("A processor is connected already. Change it on the desk, under Settings.")
            first_steps.connect_test(viewer, self.options["processor"], self.options["processor_address"])
        elif "processor" in is_open and settings.ALLOW_TEST_PROCESSORS:
            self._offer(
                "Connect the test processor, to try everything out?",
                lambda: first_steps.connect_test(viewer, "test_inline", self.options["processor_address"]),
            )
        if self.options["allow_payments"]:
            first_steps.allow(viewer)
        elif "switch" in is_open and get_active(viewer.practice.id):
            self._offer("Let clients pay through the portal?", lambda: first_steps.allow(viewer))
        self._set_look(viewer, asks="look" in is_open)
        if self.options["client"]:
            self._invite(viewer, self.options["client"])
        elif "client" in is_open:
            self._until_right(
                "Your first client, as FIRST|LAST|EMAIL", lambda line: self._invite(viewer, line), optional=True
            )

    def _set_look(self, viewer: StaffViewer, *, asks: bool) -> None:
        accent, logo = self.options["accent"], self.options["logo"]
        if accent or logo:
            first_steps.set_look(viewer, accent=accent, png=logo.read_bytes() if logo else None)
        elif asks:
            self._until_right(
                "Color of the portal, like #27508f",
                lambda color: first_steps.set_look(viewer, accent=color, png=None),
                optional=True,
            )

    def _invite(self, viewer: StaffViewer, line: str) -> None:
        client = first_steps.invite_client(viewer, line)
        self.stdout.write(f"{client.name} is invited.")

    def _offer(self, question: str, do: Callable[[], None]) -> None:
        """Do it where the answer is yes. What keeps it from being done is said, and the set-up goes on."""
        if self.asks and input(f"{question} (y or Enter for no): ").strip().lower() in ("y", "yes"):
            try:
                do()
            except UserError as error:
                self.stderr.write(error.message)

    def _add_all(
        self, viewer: StaffViewer, add: Callable[[StaffViewer, str], None], lines: Sequence[str], question: str
    ) -> None:
        """Each given line; where none is given, answers to the question until an empty one."""
        for line in lines:
            add(viewer, line)
        while question and not lines and (line := self._ask(question, optional=True)):
            try:
                add(viewer, line)
            except UserError as error:
                self.stderr.write(error.message)
                continue
            question = "Another one"

    def _read_password(self, given: dict[str, str]) -> str:
        if self.options["owner_password_file"]:
            path = Path(self.options["owner_password_file"])
            try:
                return path.read_text().partition("\n")[0]
            except OSError as error:
                raise CommandError(f"{path} can't be read: {error.strerror}.") from None
        password = os.environ.get("PAYWELL_OWNER_PASSWORD", "")
        while self.asks and not password:
            password = getpass("Your password (at least 15 characters): ")
            try:
                check_owner(name=given["owner_name"], email=given["owner_email"], password=password)
            except UserError as error:
                self.stderr.write(error.message)
                password = ""
        return password

    def _ask_zone(self) -> str:
        if not self.asks:
            return ""
        for number, (_, words) in enumerate(list_zones()[: first_steps.ZONES_SHOWN], start=1):
            self.stdout.write(f"  {number}  {words}")
        answer = self._until_right("Time zone, by its number or like America/Puerto_Rico", first_steps.read_zone)
        return first_steps.read_zone(answer)

    def _ask(self, question: str, *, optional: bool = False, option: str = "") -> str:
        return self._until_right(question, first_steps.CHECKS.get(option, str), optional=optional)

    def _until_right(self, question: str, take: Callable[[str], object], *, optional: bool = False) -> str:
        """The answer that `take` takes; one that it refuses is asked anew, and nothing else with it."""
        while self.asks:
            answer = input(f"{question}{' (Enter to leave it open)' if optional else ''}: ").strip()
            if not answer:
                if optional:
                    break
                continue
            try:
                take(answer)
            except UserError as error:
                self.stderr.write(error.message)
                continue
            return answer
        return ""

    def _tell(self, viewer: StaffViewer) -> None:
        checklist = get_checklist(get_practice(viewer.practice.slug))
        for step in checklist.steps:
            mark = "done" if step.is_done else "open, optional" if step.is_optional else "open"
            self.stdout.write(f"  {step.title}: {mark}")
        self.stdout.write(f"Go on in the browser: {settings.PUBLIC_URL}/desk/setup/")
        if settings.STAFF_SECOND_FACTOR_REQUIRED:
            self.stdout.write("At the first sign-in the owner sets up a second step.")
