"""`./run demo`: a believable practice on this machine, from nothing to the first sign-in by one command."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from paywell.demo.supervisor import HOST, StartFailed, Supervisor, port_is_free


class Command(BaseCommand):
    help = "Fill a demonstration practice and serve it on this machine."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=int, default=8000, help="The portal's port; the test processor takes the next one."
        )
        parser.add_argument("--fresh", action="store_true", help="Throw the demo's data away and begin anew.")

    def handle(self, *args: Any, port: int, fresh: bool, **options: Any) -> None:
        if not settings.IS_DEMO:
            raise CommandError("The demo runs only with the demo's settings: use ./run demo.")
        processor_port = port + 1
        for wanted in (port, processor_port):
            if not port_is_free(wanted):
                raise CommandError(f"Port {wanted} is taken. Choose another one: ./run demo --port 8100")
        if fresh and settings.VAR.exists():
            shutil.rmtree(settings.VAR)
        settings.VAR.mkdir(parents=True, exist_ok=True)
        address = f"http://{HOST}:{port}"
        os.environ["PAYWELL_URL"] = settings.PUBLIC_URL = address
        environment = {"PAYWELL_URL": address, "DJANGO_SETTINGS_MODULE": "paywell.config.settings.demo"}
        supervisor = Supervisor(settings.VAR, environment)
        try:
            self._start(supervisor, port, processor_port)
        except StartFailed as failure:
            supervisor.stop()
            raise CommandError(str(failure)) from failure
        except BaseException:
            supervisor.stop()
            raise
        self._say_who_can_sign_in(address)
        sys.exit(supervisor.run())

    def _start(self, supervisor: Supervisor, port: int, processor_port: int) -> None:
        self.stdout.write("Preparing the database and the static files ...")
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        supervisor.start(
            "test-processor", "-m", "paywell", "test_processor",
            "--port", str(processor_port), "--data", str(settings.VAR / "test-processor.sqlite3"),
        )  # fmt: skip
        supervisor.wait_for("test-processor", processor_port, "/")
        self.stdout.write("Filling the practices (the first time takes a while) ...")
        # By its other name it is another site to the browser, as a real processor is: its frame gets no cookies.
        processor_url = f"http://localhost:{processor_port}"
        call_command("demo_seed", processor_url=processor_url, address=settings.PUBLIC_URL)
        supervisor.start(
            "web", "-m", "granian", "--interface", "wsgi", "--host", HOST, "--port", str(port),
            "--workers", "2", "--blocking-threads", "1", "paywell.config.wsgi:application",
        )  # fmt: skip
        supervisor.start("worker", "-m", "paywell", "worker")
        supervisor.wait_for("web", port, "/health/")

    def _say_who_can_sign_in(self, address: str) -> None:
        people = json.loads((settings.VAR / "demo.json").read_text())["people"]
        width = max(len(person["email"]) for person in people)
        self.stdout.write(f"\nPaywell is open at {address}  (Ctrl+C ends it)\n\n")
        for person in people:
            self.stdout.write(f"  {person['email']:{width}}  {person['password']}")
            self.stdout.write(f"      {person['role']}, {person['practice']}: {person['try']}")
        self.stdout.write(
            f"\nThe same stands in {settings.VAR / 'demo.json'}; e-mails arrive in {settings.VAR / 'emails'}."
        )
        self.stdout.flush()
