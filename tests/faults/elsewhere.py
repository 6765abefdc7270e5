"""The same command on PostgreSQL: a server of its own, and tables made once, which each process copies."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import nullcontext

from tests import blank
from tests.concurrency.own_database import own_server

ADDRESS = "PAYWELL_TEST_DATABASE_URL"


def run_on_postgresql(arguments: Sequence[str]) -> int:
    """Its exit code. The server at PAYWELL_TEST_DATABASE_URL if that is set, else one that comes by pip."""
    given = os.environ.get(ADDRESS)
    with nullcontext(given) if given else own_server() as url, blank.blank_on_postgresql(url) as name:
        command = [sys.executable, "-m", "tests.faults", *arguments]
        return subprocess.run(
            command, env=os.environ | {ADDRESS: url, blank.VARIABLE: name}, check=False
        ).returncode
