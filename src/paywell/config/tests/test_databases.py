"""What both databases are told: commits that last, waits that end."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, connections, migrations, models, transaction
from django.db.migrations.executor import MigrationExecutor

from paywell.clients.models import BillingAccount
from paywell.config.management.commands import migrate
from paywell.config.settings.base import postgresql, sqlite
from paywell.core import clock
from paywell.core.db import lock
from paywell.invoicing.tests.factories import make_practice
from paywell.practice.models import Practice


def test_f66_a_commit_on_sqlite_is_on_the_disk() -> None:
    told: Any = sqlite("any.sqlite3")["OPTIONS"]
    assert "PRAGMA synchronous=FULL" in told["init_command"]
    assert "PRAGMA journal_mode=WAL" in told["init_command"]


@pytest.mark.django_db
def test_f66_and_the_connection_obeys() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA synchronous")
            assert cursor.fetchone()[0] == 2
        else:
            cursor.execute("SELECT setting, source FROM pg_settings WHERE name = 'synchronous_commit'")
            # The suite's own server is told not to wait; nothing of ours may say so.
            assert cursor.fetchone()[1] in ("default", "configuration file")


def test_f64_sqlite_takes_its_turn_at_the_beginning_and_waits_for_it() -> None:
    told: Any = sqlite("any.sqlite3")["OPTIONS"]
    assert (told["transaction_mode"], told["timeout"]) == ("IMMEDIATE", 5)


def test_f69_no_lock_and_no_statement_of_a_page_waits_for_long() -> None:
    told: Any = postgresql("postgresql://a@b/c")["OPTIONS"]
    for limit in ("lock_timeout=3s", "statement_timeout=15s", "idle_in_transaction_session_timeout=15s"):
        assert limit in told["options"]


@pytest.mark.django_db(transaction=True)
def test_f69_a_migration_gives_up_its_place_in_two_seconds_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite migrates alone: its worker is stopped first")
    waits: list[str] = []
    tries = []

    def handle(self: Any, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            waits.append(cursor.fetchone()[0])
            tries.append(1)
        if len(tries) == 1:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '100ms'; LOCK TABLE practice_practice")

    monkeypatch.setattr("django.core.management.commands.migrate.Command.handle", handle)
    monkeypatch.setattr(migrate, "PAUSE_S", 0.01)
    held, go = threading.Event(), threading.Event()

    def read_for_long() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM practice_practice")
            held.set()
            go.wait(10)
        connections.close_all()

    reader = threading.Thread(target=read_for_long)
    reader.start()
    assert held.wait(10)
    try:
        call_command("migrate", verbosity=0)
    finally:
        go.set()
        reader.join()
    assert waits == ["2s", "2s"]
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone()[0] == "3s"


@pytest.mark.django_db
def test_another_error_of_a_migration_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def handle(self: Any, *args: Any, **options: Any) -> None:
        tries.append(1)
        raise OperationalError("no disk")

    monkeypatch.setattr("django.core.management.commands.migrate.Command.handle", handle)
    with pytest.raises(OperationalError):
        call_command("migrate", verbosity=0)
    assert len(tries) == 1


@pytest.mark.parametrize(
    ("hold", "waits"),
    [(lambda rows: rows.select_for_update(), True), (lock, False)],
    ids=["the race is real", "and lock() keeps out of it"],
)
@pytest.mark.django_db(transaction=True)
def test_f64_what_refers_to_a_locked_row_can_be_committed_meanwhile(hold: Callable[..., Any], waits: bool) -> None:
    """Who waits there at its end, with the head of the audit trail in its hands, is one half of a deadlock."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one lock, taken at the beginning")
    practice = make_practice()
    failed: list[str] = []

    def refer() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '200ms'")
                BillingAccount.objects.create(practice=practice, name="Refers", created_at=clock.now())
        except OperationalError as error:
            failed.append(getattr(error.__cause__, "sqlstate", ""))
        finally:
            connections.close_all()

    with transaction.atomic():
        hold(Practice.objects.filter(pk=practice.pk)).get()
        other = threading.Thread(target=refer)
        other.start()
        other.join()
    assert failed == (["55P03"] if waits else [])
    assert BillingAccount.objects.filter(name="Refers").count() == (0 if waits else 1)


@pytest.mark.django_db
@pytest.mark.parametrize("is_at_work", [False, True])
def test_f70_between_two_migrations_of_a_database_at_work_the_payments_get_their_turn(
    monkeypatch: pytest.MonkeyPatch, is_at_work: bool
) -> None:
    turns: list[float] = []
    monkeypatch.setattr(migrate.time, "sleep", turns.append)
    command = migrate.Command(stdout=io.StringIO())
    command.verbosity, command.is_at_work = 0, is_at_work
    for action in ("apply_start", "apply_success", "render_start", "render_success"):
        command.migration_progress_callback(action)
    assert turns == ([migrate.TURN_S] if is_at_work else [])


@pytest.mark.parametrize(
    ("executor", "holds_the_lock"),
    [(MigrationExecutor, True), (migrate.PreparedExecutor, False)],
    ids=["Django's own", "ours"],
)
@pytest.mark.django_db(transaction=True)
def test_f70_what_tables_will_look_like_is_worked_out_before_the_lock_is_taken(
    executor: type[MigrationExecutor], holds_the_lock: bool
) -> None:
    """With a hundred tables that takes a second, in which nobody could pay."""
    seen: list[tuple[str, bool]] = []

    class Watched(migrations.RunSQL):
        def state_forwards(self, app_label: str, state: Any) -> None:
            seen.append(("state", connection.in_atomic_block))

        def database_forwards(self, *args: Any, **kwargs: Any) -> None:
            super().database_forwards(*args, **kwargs)
            seen.append(("database", connection.in_atomic_block))

    migration = migrations.Migration("0099_watched", "work")
    migration.operations = [Watched("SELECT 1"), Watched("SELECT 2")]
    done = executor(connection)
    try:
        done.apply_migration(done.loader.project_state(), migration)
        assert ("work", "0099_watched") in done.recorder.applied_migrations()
    finally:
        done.recorder.record_unapplied("work", "0099_watched")
    assert [held for what, held in seen if what == "state"] == [holds_the_lock] * 2
    assert [held for what, held in seen if what == "database"] == [True] * 2


@pytest.mark.django_db(transaction=True)
def test_each_step_of_a_prepared_migration_sees_the_tables_as_they_are_then() -> None:
    columns: list[tuple[bool, bool]] = []

    def look(apps: Any, editor: Any) -> None:
        names = {field.name for field in apps.get_model("work", "Probe")._meta.get_fields()}
        columns.append(("first" in names, "second" in names))

    migration = migrations.Migration("0099_probe", "work")
    migration.operations = [
        migrations.CreateModel(
            "Probe", [("id", models.BigAutoField(primary_key=True)), ("first", models.TextField())]
        ),
        migrations.RunPython(look),
        migrations.AddField("Probe", "second", models.TextField(db_default="")),
        migrations.RemoveField("Probe", "first"),
        migrations.RunPython(look),
    ]
    done = migrate.PreparedExecutor(connection)
    try:
        after = done.apply_migration(done.loader.project_state(), migration)
        with connection.cursor() as cursor:
            table = connection.introspection.get_table_description(cursor, "work_probe")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS work_probe")
        done.recorder.record_unapplied("work", "0099_probe")
    assert columns == [(True, False), (False, True)]
    assert [column.name for column in table] == ["id", "second"]
    assert list(after.models["work", "probe"].fields) == ["id", "second"]
