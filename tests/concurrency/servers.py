"""Paywell's real processes beside a real test processor: started, killed, waited for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

from bench.load import Client

from tests.concurrency.own_database import ROOT

START_S = 60.0


class Server:
    """One process, which can be killed and started again. `root`: the code it runs."""

    def __init__(
        self,
        name: str,
        command: list[str],
        folder: Path,
        environment: dict[str, str],
        port: int = 0,
        root: Path = ROOT,
    ) -> None:
        self.name, self.command, self.port, self.root = name, command, port, root
        self.log = (folder / f"{name}.log").open("ab")
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", *self.command],
            cwd=self.root, env=self.environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            start_new_session=True,
        )  # fmt: skip
        self.started_at = time.monotonic()

    def kill(self) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def is_up(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            return False
        if not self.port:
            return time.monotonic() - self.started_at > 3
        try:
            return Client(self.port).request("GET", "/health/" if "web" in self.name else "/").status == 200
        except (OSError, HTTPException):
            return False

    def wait(self) -> None:
        end = time.monotonic() + START_S
        while not self.is_up():
            if time.monotonic() > end or (self.process and self.process.poll() is not None):
                raise SystemExit(f"{self.name} did not start: {Path(self.log.name).read_text()[-2000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """As an operator does: what it is doing is done to its end first."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=START_S)

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.log.close()


def processor(folder: Path, environment: dict[str, str], port: int, *, late_s: float) -> Server:
    """The test processor. It answers its "late" card after `late_s` seconds."""
    data = str(folder / "processor.sqlite3")
    command = ["-m", "paywell", "test_processor", "--port", str(port), "--late", str(late_s), "--data", data]
    return Server("processor", command, folder, environment, port)


def web(name: str, folder: Path, environment: dict[str, str], port: int, root: Path = ROOT) -> Server:
    command = [
        "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--workers", "1", "--blocking-threads", "2",
        "--no-access-log", "paywell.config.wsgi:application", "--port", str(port),
    ]  # fmt: skip
    return Server(name, command, folder, environment, port, root)


def worker(name: str, folder: Path, environment: dict[str, str], root: Path = ROOT) -> Server:
    return Server(name, ["-m", "paywell", "worker", "--interval", "0.2"], folder, environment, root=root)
