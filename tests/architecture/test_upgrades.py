"""The code of the release before goes on working on the new tables: people use it until the new servers stand.

A column that it does not know may be empty or is given by the database, and nothing that it knows goes away. What a
table of its own release needs is free: the old code does not know that table.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState
from django.db.models import NOT_PROVIDED

#: The last migration of each room in the release before (there is none yet: the state that stands for it).
BEFORE = {
    "accounts": 2, "agreements": 3, "audit": 3, "billing": 2, "books": 1, "care": 4, "clients": 5, "codes": 1,
    "documents": 2, "invoicing": 2, "ledger": 4, "notifications": 3, "outbox": 1, "payments": 7, "practice": 7,
    "work": 1,
}  # fmt: skip


def is_given(field: models.Field) -> bool:
    """Whether a row can be added by who does not know of the field."""
    return field.null or field.many_to_many or field.db_default is not NOT_PROVIDED


def find_breaks(migration: Migration, state: ProjectState, new: set[tuple[str, str]]) -> Iterator[str]:
    """What the code before `migration` could not live with. `new`: tables that it does not know; added to."""
    app = migration.app_label
    for operation in migration.operations:
        name = type(operation).__name__
        table = (app, getattr(operation, "model_name", getattr(operation, "name", "")).lower())
        if isinstance(operation, migrations.CreateModel):
            new.add(table)
        elif table in new:
            pass
        elif isinstance(operation, migrations.AddField) and not is_given(operation.field):
            yield f"{migration}: {name} {operation.name} of {table[1]} is neither null nor given by the database"
        elif isinstance(operation, migrations.AlterField):
            had = state.models[table].fields[operation.name]
            if had.null and not is_given(operation.field):
                yield f"{migration}: {name} {operation.name} of {table[1]} has to be given now"
        elif isinstance(
            operation,
            migrations.RemoveField | migrations.RenameField | migrations.DeleteModel | migrations.RenameModel,
        ):
            yield f"{migration}: {name} of {table[1]}: the release before still asks for it"
        operation.state_forwards(app, state)


def younger() -> list[tuple[Migration, ProjectState]]:
    """The migrations since the release before, in order, each with the state it begins with."""
    loader = MigrationLoader(None)
    plan = loader.graph._generate_plan(loader.graph.leaf_nodes(), at_end=True)
    return [
        (loader.graph.nodes[key], loader.project_state([key], at_end=False))
        for key in plan
        if key[0] in BEFORE and int(key[1][:4]) > BEFORE[key[0]]
    ]


def test_f70_the_code_before_goes_on_working_on_the_new_tables() -> None:
    new: set[tuple[str, str]] = set()
    found = younger()
    breaks = [each for migration, state in found for each in find_breaks(migration, state, new)]
    assert found
    assert breaks == []


@pytest.mark.parametrize(
    ("operation", "is_fit"),
    [
        (migrations.AddField("thing", "a", models.IntegerField(default=0)), False),
        (migrations.AddField("thing", "a", models.IntegerField(null=True)), True),
        (migrations.AddField("thing", "a", models.IntegerField(db_default=0)), True),
        (migrations.AlterField("thing", "may", models.IntegerField()), False),
        (migrations.AlterField("thing", "may", models.IntegerField(null=True)), True),
        (migrations.RemoveField("thing", "may"), False),
        (migrations.RenameField("thing", "may", "might"), False),
        (migrations.DeleteModel("thing"), False),
        (migrations.AddField("young", "a", models.IntegerField(default=0)), True),
    ],
    ids=lambda value: value.__class__.__name__ if not isinstance(value, bool) else str(value),
)
def test_f70_and_what_it_could_not_live_with_is_found(
    operation: migrations.operations.base.Operation, is_fit: bool
) -> None:
    state = ProjectState()
    for name in ("Thing", "Young"):
        fields = [("id", models.BigAutoField(primary_key=True)), ("may", models.IntegerField(null=True))]
        migrations.CreateModel(name, fields).state_forwards("a", state)
    migration = Migration("0002", "a")
    migration.operations = [operation]
    assert (list(find_breaks(migration, state, {("a", "young")})) == []) is is_fit
