"""A back-up, a day that it does not know of, and its restore: a real database, the test processor by HTTP.

`python -m tests.restore.scenario` prints what came of it as JSON.
"""

from __future__ import annotations

import json
import os
from io import StringIO
from pathlib import Path
from typing import Any

import django


def main() -> None:
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    from paywell.processors.testbench.app import Running
    from paywell.processors.testbench.store import Store

    call_command("migrate", verbosity=0)
    var = Path(settings.VAR)
    store = Store(var / "processor.sqlite3")
    with Running(store) as running:
        told = play(running.base_url, var)
    told["database"] = connection.vendor
    print(json.dumps(told))


def play(base_url: str, var: Path) -> dict[str, Any]:
    from django.contrib.sessions.models import Session
    from django.core.management import call_command

    from paywell.books.check import check_books
    from paywell.core import clock
    from paywell.core.closing import get_closing
    from paywell.core.ids import new_id, new_key
    from paywell.core.money import Money
    from paywell.demo.processor import VISA, make_token
    from paywell.payments.actions import refund_payment, start_payment
    from paywell.payments.models import Attempt, Refund, Review
    from paywell.payments.tests.checks import owed
    from paywell.payments.tests.factories import make_line, make_world
    from paywell.payments.types import PayForm

    world = make_world()
    account = world.processor_account
    account.settings = {"base_url": base_url, "account": f"acct_{new_key()[:12]}"}
    account.secrets = {"api_key": new_key(), "notice_secret": new_key()}
    account.save()
    first, second = make_line(world, 12000), make_line(world, 5000)

    def pay(*lines: Any) -> Attempt:
        token = make_token(account, VISA)
        form = PayForm(new_id(), tuple(line.id for line in lines), None, card_token=token)
        return start_payment(viewer=world.viewer, form=form)

    before = pay(first)
    call_command("backup", str(var / "copy"), stdout=StringIO())
    after = pay(second)
    refund_payment(viewer=world.staff, attempt=before, amount=Money(2000), reason="Late")
    Session.objects.create(session_key="k" * 32, session_data="", expire_date=clock.now())
    said = StringIO()
    with clock.set_to(clock.now()):
        call_command("restore", str(var / "copy"), "--yes", stdout=said)
        report = check_books(with_processor=True)
    return {
        "said": said.getvalue(),
        "rebuilt": [str(each.id) for each in Attempt.objects.filter(rebuilt_at__isnull=False)],
        "paid_after": str(after.id),
        "states": sorted(Attempt.objects.values_list("state", flat=True)),
        "refunds": list(Refund.objects.values_list("state", "amount_minor")),
        "owed": [owed(first), owed(second)],
        "reviews": sorted(Review.objects.values_list("kind", flat=True)),
        "offences": [each.to_json() for each in report.offences if not each.is_queue],
        "closed": get_closing() is not None,
        "sessions": Session.objects.count(),
        "kept": len(list((var / "backups").glob("before-restore-*.json"))),
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paywell.config.settings.demo")
    django.setup()
    main()
