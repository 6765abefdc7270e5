"""Background jobs of the database itself."""

from __future__ import annotations

from typing import Final

from django.db import connection
from django_tasks import task

#: Rows of each index that are looked at. A guess is all that is needed, and while it is made nobody else may write.
_ROWS_LOOKED_AT: Final = 400


@task()
def gather_statistics() -> None:
    """Have SQLite note how many rows each index has, by which it chooses its way; PostgreSQL does so by itself.

    Connections read the notes when they are opened (`CONN_MAX_AGE`).
    """
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA analysis_limit = {_ROWS_LOOKED_AT}")
        cursor.execute("ANALYZE")
