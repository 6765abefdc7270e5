"""`paywell draw_machine`: writes docs/payment-states.md from the data of `payments.machine`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from paywell.payments.drawing import draw


class Command(BaseCommand):
    help = "Write docs/payment-states.md from the state graph."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", nargs="?", type=Path, default=Path("docs/payment-states.md"))

    def handle(self, *args: Any, path: Path, **options: Any) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(draw(), encoding="utf-8")
        self.stdout.write(f"Wrote {path}.")
