"""The two sites under measure: Paywell and the bare one, on one database, two server processes each."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Site:
    """One granian with two worker processes, one thread of work each."""

    def __init__(self, name: str, settings: str, application: str, environment: dict[str, str], log: Path) -> None:
        self.name = name
        self.port = free_port()
        self._log = (log / f"{name}.log").open("wb")
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1",
                "--port", str(self.port), "--workers", "2", "--blocking-threads", "1",
                "--no-access-log", application,
            ],
            cwd=ROOT,
            env={**environment, "DJANGO_SETTINGS_MODULE": settings, "PAYWELL_URL": f"http://127.0.0.1:{self.port}"},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )  # fmt: skip

    def wait(self) -> None:
        for _ in range(150):
            if self._process.poll() is not None:
                raise SystemExit(f"The {self.name} site ended: see {self._log.name}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise SystemExit(f"The {self.name} site did not start: see {self._log.name}")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)
        self._log.close()


def environment(var: Path, database_url: str) -> dict[str, str]:
    """What both sites and the seed run with."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PAYWELL_")}
    return {
        **kept,
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        "PAYWELL_VAR": str(var),
        "PAYWELL_DATABASE_URL": database_url,
    }
