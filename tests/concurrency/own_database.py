"""A database of a test's own, of the kind that the suite runs on, for processes that really commit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from paywell.core.ids import new_id

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def own_database(folder: Path, *, url: str | None = None) -> Iterator[dict[str, str]]:
    """The environment of such a process. `url`: a PostgreSQL server; by default the suite's own, else SQLite."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith("PAYWELL_")}
    variables |= {
        "PAYWELL_VAR": str(folder),
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        "DJANGO_SETTINGS_MODULE": "paywell.config.settings.demo",
        "PAYWELL_URL": "http://127.0.0.1:9",
    }
    server_url = os.environ.get("PAYWELL_TEST_DATABASE_URL", "") if url is None else url
    if not server_url:
        yield variables
        return
    import psycopg

    name = f"own_{new_id().hex[-8:]}"
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    base, _, query = server_url.partition("?")
    try:
        yield variables | {"PAYWELL_DATABASE_URL": f"{base.rpartition('/')[0]}/{name}?{query}"}
    finally:
        with psycopg.connect(server_url, autocommit=True) as server:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
