"""An upgrade as docs/install.md tells it, while twenty people pay: no request may wait, nothing may be lost.

    python -m tests.concurrency.upgrade --from REF --database postgresql

takes the code of REF out of git (by default the newest tag, else `BASELINE`), makes its database with its own
migrations, and lets its web servers, its worker and somebody at its desk work. Then, while ten payments a second
go on: backup, the new code's `migrate`, the new worker and web servers beside the old, the change of the ports
(which is a proxy's reload), the end of the old. Once all is settled the books are checked beside the processor's
own records. Exit code 0 and a JSON object with the figures, or 1 if a request took longer than three seconds, got
no answer or an error, or if the books are not whole (F70, G12); 2 where there is no history to take code from.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.stack import free_port

from tests.concurrency.own_database import ROOT, copy_on_postgresql, own_server
from tests.concurrency.payers import PAID, PAYERS, Payer
from tests.concurrency.servers import Server, processor, web, worker
from tests.concurrency.sigkill import judge, seed_people

#: There is no release yet: the commit that stands for the one before. Until it, worker and desk could end in a
#: deadlock on PostgreSQL.
BASELINE = "d297eba"
LONGEST_S, PER_SECOND = 3.0, 10.0


class NoHistoryError(Exception):
    """There is no git history here to take the older code from."""


def find_before() -> str:
    """The newest tag, else `BASELINE`. Raises NoHistoryError."""
    for command in (["describe", "--tags", "--abbrev=0"], ["rev-parse", "--verify", f"{BASELINE}^{{commit}}"]):
        done = subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.strip()
    raise NoHistoryError


def take_out(ref: str, folder: Path) -> Path:
    """The code of that commit, in a folder of its own. Raises NoHistoryError."""
    done = subprocess.run(["git", "archive", ref], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        raise NoHistoryError(done.stderr.decode())
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as code:
        code.extractall(folder, filter="data")
    return folder


@contextmanager
def empty_database(database: str, var: Path) -> Iterator[dict[str, str]]:
    """What processes with an empty database have in their environment."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith("PAYWELL_")}
    variables |= {"PAYWELL_VAR": str(var), "DJANGO_SETTINGS_MODULE": "tests.concurrency.quick_settings"}
    if database == "sqlite":
        yield variables
        return
    with own_server() as server, copy_on_postgresql(server) as url:
        yield variables | {"PAYWELL_DATABASE_URL": url}


def with_code(environment: dict[str, str], root: Path) -> dict[str, str]:
    return environment | {"PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}


class Upgrade:
    """One upgrade from the code in `before`. `folder` takes the database, the logs and the processor's records."""

    def __init__(self, before: Path, folder: Path, environment: dict[str, str], seed: int) -> None:
        self.before, self.folder, self.seed = before, folder, seed
        self.fields, self.ports = free_port(), [free_port(), free_port()]
        environment = environment | {"PAYWELL_URL": f"http://127.0.0.1:{self.ports[0]}"}
        self.old, self.new = with_code(environment, before), with_code(environment, ROOT)
        self.phases: list[tuple[str, float]] = []

    def run(self, steady_s: float) -> dict[str, Any]:
        people = seed_people(self.fields, kills=1, environment=self.old, root=self.before)
        over, ports = threading.Event(), list(self.ports)
        every_s = PAYERS / PER_SECOND
        payers = [
            Payer(each, ports, self.fields, over, self.seed + n, cards=[PAID], every_s=every_s)
            for n, each in enumerate(people)
        ]
        with ExitStack() as running:
            running.enter_context(processor(self.folder, self.new, self.fields, late_s=1)).wait()
            old = self._start(running, "old", self.old, self.before, ports)
            for payer in payers:
                payer.start()
            self._enter("before", steady_s)
            if "PAYWELL_DATABASE_URL" not in self.old:  # pg_dump would have to be of the same version as the server
                self._command("backup", self.old, self.before, "backup")
            self._command("migrate", self.new, ROOT, "migrate", "--verbosity", "0")
            self._enter("old code on the new tables", steady_s / 3)
            new = self._start(running, "new", self.new, ROOT, [free_port(), free_port()])
            ports[:] = [server.port for server in new if server.port]
            self._enter("both", 1.0)
            for server in reversed(old):
                server.stop()
            self._enter("after", steady_s)
            over.set()
            for payer in payers:
                payer.join(timeout=60)
            ended = time.monotonic()
            new[-1].stop()
            told = judge(self.folder, self.new)
        return told | self._tell(payers, ended)

    def _start(
        self, running: ExitStack, name: str, environment: dict[str, str], root: Path, ports: list[int]
    ) -> list[Server]:
        """The worker first, as the manual says: then nothing is begun that only the old one knew how to end."""
        self.phases.append((f"start of the {name}", time.monotonic()))
        made = [worker(f"{name}-worker", self.folder, environment, root)]
        made += [web(f"{name}-web-{port}", self.folder, environment, port, root) for port in ports]
        desk = str(Path(__file__).with_name("at_the_desk.py"))
        made.append(Server(f"{name}-desk", [desk], self.folder, environment, root=root))
        for server in made:
            running.enter_context(server).wait()
        return made

    def _enter(self, phase: str, seconds: float) -> None:
        self.phases.append((phase, time.monotonic()))
        time.sleep(seconds)

    def _command(self, phase: str, environment: dict[str, str], root: Path, *command: str) -> None:
        self.phases.append((phase, time.monotonic()))
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "paywell", *command],
            cwd=root, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{phase}: {done.stderr[-3000:]}")

    def _tell(self, payers: list[Payer], ended: float) -> dict[str, Any]:
        """Each phase by its seconds, requests, payments begun a second and longest request; and what failed."""
        times = sorted(each for payer in payers for each in payer.times)
        seen = sum((payer.seen for payer in payers), Counter[str]())
        starts = [*self.phases, ("", ended)]
        phases = {}
        for (name, start), (_, end) in pairwise(starts):
            of_phase = [(took, what) for at, what, took in times if start <= at < end]
            paid = sum(what == "POST /portal/pay/start/" for _, what in of_phase)
            phases[name] = {
                "seconds": round(end - start, 1), "requests": len(of_phase),
                "payments_per_second": round(paid / (end - start), 1) if end > start else 0,
                "longest_s": round(max((took for took, _ in of_phase), default=0.0), 2),
            }  # fmt: skip
        logs = {path.stem: path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log"))}
        return {
            "phases": phases, "requests": len(times), "answers": dict(seen),
            "longest_s": round(max(took for _, _, took in times), 2),
            "errors_shown": sum(n for status, n in seen.items() if status.startswith("5")),
            "no_answer": seen["no answer"],
            "entered_at_the_desk": {name: logs[f"{name}-desk"].strip()[-300:] for name in ("old", "new")},
            "tracebacks": [f"{name}: {_last_error(text)}" for name, text in logs.items() if "Traceback" in text],
        }  # fmt: skip


def _last_error(log: str) -> str:
    return log[log.rindex("Traceback") :][:3000]


def is_well(told: dict[str, Any]) -> bool:
    wrong = ("stuck", "charged_twice", "claims", "offences", "unasked", "errors_shown", "no_answer", "tracebacks")
    return not any(told[name] for name in wrong) and told["charges"] > 0 and told["longest_s"] <= LONGEST_S


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="ref", default="", help="the older code: a tag or a commit")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--steady", type=float, default=15.0, help="seconds of load before and after")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pw-upgrade-")))
        try:
            before = take_out(options.ref or find_before(), folder / "before")
        except NoHistoryError as error:
            print(f"No older code to begin with: {error or 'there is no git history here.'}")
            return 2
        environment = stack.enter_context(empty_database(options.database, folder))
        told = Upgrade(before, folder, environment, random.Random(options.seed).randrange(10**6)).run(
            options.steady
        )
    told |= {"database": options.database, "from": options.ref or find_before()}
    told["well"] = is_well(told)
    print(json.dumps(told, indent=1))
    return 0 if told["well"] else 1


if __name__ == "__main__":
    sys.exit(main())
