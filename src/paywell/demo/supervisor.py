"""Starts what the demo needs, side by side: the test processor, the web server, the worker.

Each is a process of its own, as it would be in a real installation. When one ends, all end.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from paywell.core import http

HOST = "127.0.0.1"
#: How long a process may take until it answers, in seconds.
START_LIMIT_S = 30.0


class StartFailed(Exception):
    """A process did not come up; the message says which one and where its output is."""


class Supervisor:
    """Children with their logs under `var/log`, stopped together."""

    def __init__(self, var: Path, environment: dict[str, str]) -> None:
        self.logs = var / "log"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.environment = {**os.environ, **environment}
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *command: str) -> None:
        """Start `python -m ...` in a session of its own, so that Ctrl+C reaches only this process."""
        log = (self.logs / f"{name}.log").open("ab")
        self.children[name] = subprocess.Popen(
            [sys.executable, *command],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait_for(self, name: str, port: int, path: str) -> None:
        """Until `name` answers on its port. Raises StartFailed when it ends or takes too long."""
        deadline = time.monotonic() + START_LIMIT_S
        with http.client(f"http://{HOST}:{port}") as client:
            while time.monotonic() < deadline:
                if self.children[name].poll() is not None:
                    break
                try:
                    client.get(path)
                    return
                except http.RequestError:
                    time.sleep(0.1)
        raise StartFailed(f"The {name} did not start. Its output is in {self.logs / f'{name}.log'}.")

    def run(self) -> int:
        """Wait until somebody stops us or a child ends; then stop the others. Returns the exit code."""
        stopped = False

        def stop(signum: int, frame: Any) -> None:
            nonlocal stopped
            stopped = True

        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)
        ended: list[str] = []
        while not stopped and not ended:
            time.sleep(0.2)
            ended = [name for name, child in self.children.items() if child.poll() is not None]
        for name in ended:
            print(f"The {name} ended by itself. Its output is in {self.logs / f'{name}.log'}.", file=sys.stderr)
        self.stop()
        return 1 if ended else 0

    def stop(self) -> None:
        """Ask each child to end; kill what has not ended after five seconds."""
        for child in self.children.values():
            if child.poll() is None:
                child.terminate()
        for child in self.children.values():
            try:
                child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def port_is_free(port: int) -> bool:
    """Whether nobody listens on the port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
