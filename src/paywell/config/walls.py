"""Row-level security on PostgreSQL: the second wall between practices, behind every query's own filter.

Each table with a practice's id gets a policy: while a request is scoped to a practice (`core.db`), the database
shows and takes only that practice's rows, even to the tables' owner. Superusers pass it, so Paywell's own database
user must not be one (docs/install.md). Without a scope (the worker, signing in) all rows show.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.db import connections, models
from django.http import HttpRequest, HttpResponseBase

from paywell.core.db import scope_to_practice

POLICY = "paywell_practice_wall"


def walled_tables() -> list[tuple[str, str]]:
    """Every table of Paywell's with the column that names the practice."""
    return sorted(
        (model._meta.db_table, column)
        for model in apps.get_models()
        if model.__module__.startswith("paywell.") and (column := practice_column(model))
    )


def practice_column(model: type[models.Model]) -> str | None:
    """`practice_id` where a row belongs to a practice, `id` for the practice itself, else None."""
    if model._meta.label == "practice.Practice":
        return "id"
    names = {field.column for field in model._meta.concrete_fields}
    return "practice_id" if "practice_id" in names else None


def raise_walls(using: str = "default", **kwargs: Any) -> None:
    """After each migration: put the policy on every table that lacks it. PostgreSQL only."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_policies WHERE policyname = %s", [POLICY])
        walled = {name for (name,) in cursor.fetchall()}
        existing = set(connection.introspection.table_names(cursor))
        for table, column in walled_tables():
            if table in walled or table not in existing:
                continue
            cursor.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
            cursor.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')
            cursor.execute(
                f'CREATE POLICY {POLICY} ON "{table}" USING ('
                f"COALESCE(current_setting('paywell.practice', true), '') = '' OR "
                f'"{column}" IS NULL OR '
                f"\"{column}\" = NULLIF(current_setting('paywell.practice', true), '')::uuid)"
            )


class BetweenPractices:
    """Middleware: a request begins without a scope; the view's decorator sets the one of its viewer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        scope_to_practice(None)
        return self.get_response(request)
