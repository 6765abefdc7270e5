"""The test processor's own database: one SQLite file, one connection, one writer at a time."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from paywell.core.clock import now
from paywell.core.ids import new_key

_SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (id TEXT PRIMARY KEY, key_hash TEXT NOT NULL, notice_url TEXT NOT NULL,
    notice_secret TEXT NOT NULL, portal_origin TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS customers (id TEXT PRIMARY KEY, account TEXT NOT NULL, payer TEXT NOT NULL,
    UNIQUE (account, payer));
CREATE TABLE IF NOT EXISTS tokens (id TEXT PRIMARY KEY, account TEXT NOT NULL, brand TEXT, last4 TEXT,
    exp_month INTEGER, exp_year INTEGER, behavior TEXT, made TEXT NOT NULL, used INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS cards (id TEXT PRIMARY KEY, account TEXT NOT NULL, customer TEXT NOT NULL, brand TEXT,
    last4 TEXT, exp_month INTEGER, exp_year INTEGER, behavior TEXT, made TEXT NOT NULL,
    removed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS charges (id TEXT PRIMARY KEY, account TEXT NOT NULL, reference TEXT NOT NULL,
    style TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL, label TEXT NOT NULL,
    customer TEXT NOT NULL, return_url TEXT NOT NULL, cancel_url TEXT NOT NULL, page TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    captured INTEGER NOT NULL DEFAULT 0, decline TEXT NOT NULL DEFAULT '', brand TEXT, last4 TEXT,
    exp_month INTEGER, exp_year INTEGER, behavior TEXT, save INTEGER NOT NULL DEFAULT 0,
    saved_card TEXT NOT NULL DEFAULT '', memo TEXT NOT NULL DEFAULT '',
    settle_at TEXT, made TEXT NOT NULL, changed TEXT NOT NULL,
    UNIQUE (account, reference));
CREATE INDEX IF NOT EXISTS charges_changed ON charges (account, changed, id);
CREATE TABLE IF NOT EXISTS refunds (id TEXT PRIMARY KEY, account TEXT NOT NULL, charge TEXT NOT NULL,
    reference TEXT NOT NULL, amount INTEGER NOT NULL, status TEXT NOT NULL, made TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS refunds_charge ON refunds (charge);
CREATE TABLE IF NOT EXISTS disputes (id TEXT PRIMARY KEY, account TEXT NOT NULL, charge TEXT NOT NULL,
    amount INTEGER NOT NULL, withheld INTEGER NOT NULL, status TEXT NOT NULL, made TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS disputes_charge ON disputes (charge);
CREATE TABLE IF NOT EXISTS entries (id TEXT PRIMARY KEY, account TEXT NOT NULL, kind TEXT NOT NULL,
    object TEXT NOT NULL, charge TEXT NOT NULL, reference TEXT NOT NULL, amount INTEGER NOT NULL,
    fee INTEGER NOT NULL, currency TEXT NOT NULL, made TEXT NOT NULL, payout TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS entries_charge ON entries (charge);
CREATE INDEX IF NOT EXISTS entries_payout ON entries (account, payout, made);
CREATE TABLE IF NOT EXISTS payouts (id TEXT PRIMARY KEY, account TEXT NOT NULL, amount INTEGER NOT NULL,
    currency TEXT NOT NULL, status TEXT NOT NULL, made TEXT NOT NULL, arrives TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS payouts_made ON payouts (account, made, id);
CREATE TABLE IF NOT EXISTS keys (account TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL,
    object TEXT NOT NULL, PRIMARY KEY (account, key));
CREATE TABLE IF NOT EXISTS faults (number INTEGER PRIMARY KEY, account TEXT NOT NULL, call TEXT NOT NULL,
    kind TEXT NOT NULL, value TEXT NOT NULL, times INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS notices (number INTEGER PRIMARY KEY, id TEXT NOT NULL, account TEXT NOT NULL,
    kind TEXT NOT NULL, charge TEXT NOT NULL, reference TEXT NOT NULL, made TEXT NOT NULL, due TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'waiting');
CREATE INDEX IF NOT EXISTS notices_due ON notices (state, due);
"""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Timing:
    """How slow the test processor is. Seconds."""

    silence_s: float = 12.0  #: how long it says nothing where it is told to be silent
    late_s: float = 20.0  #: how long the answer-late card stays pending
    retry_s: tuple[float, ...] = (1.0, 5.0, 30.0)  #: before each further try to deliver a notice


class Store:
    """The tables, and the one lock under which every request reads and writes them."""

    def __init__(self, path: Path | str, timing: Timing | None = None) -> None:
        self.timing = timing or Timing()
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(str(path), check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_SCHEMA}")
        if "memo" not in {row["name"] for row in self.all("PRAGMA table_info(charges)")}:  # a file of before
            self.execute("ALTER TABLE charges ADD COLUMN memo TEXT NOT NULL DEFAULT ''")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Alone with the tables until the end of the block; an exception undoes it. Blocks may be nested."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def all(self, sql: str, *values: object) -> list[Row]:
        with self._lock:
            return [dict(row) for row in self._connection.execute(sql, values)]

    def one(self, sql: str, *values: object) -> Row | None:
        rows = self.all(sql, *values)
        return rows[0] if rows else None

    def get(self, table: str, account: str, object_id: str) -> Row | None:
        """The row of `table` by its id, if it belongs to `account`."""
        return self.one(f"SELECT * FROM {table} WHERE account = ? AND id = ?", account, object_id)  # noqa: S608

    def insert(self, table: str, **values: object) -> None:
        names, marks = ", ".join(values), ", ".join("?" for _ in values)
        with self._lock:
            self._connection.execute(
                f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608
                tuple(values.values()),
            )

    def update(self, table: str, object_id: str, **values: object) -> None:
        pairs = ", ".join(f"{name} = ?" for name in values)
        with self._lock:
            self._connection.execute(
                f"UPDATE {table} SET {pairs} WHERE id = ?",  # noqa: S608
                (*values.values(), object_id),
            )

    def execute(self, sql: str, *values: object) -> None:
        with self._lock:
            self._connection.execute(sql, values)

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def new_object_id(prefix: str) -> str:
    return f"{prefix}_{new_key()[:24]}"


def stamp(seconds_from_now: float = 0.0) -> str:
    """A moment as it is stored: UTC, always of the same width, so that text order is time order."""
    return write_time(now() + timedelta(seconds=seconds_from_now))


def write_time(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
