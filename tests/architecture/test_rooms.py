"""The house keeps its shape: rooms, keys, tables that only grow, and what never stands in the project."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "paywell"
ROWS = [
    [name.strip().removeprefix("paywell.") for name in row.split("|")]
    for row in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0][
        "layers"
    ]
]
APPEND_ONLY = {
    "ledger_transfer", "audit_auditevent", "payments_attemptevent", "payments_cardconsent", "billing_entryline",
    "agreements_planline", "agreements_installment", "agreements_chargeline", "agreements_chargetry",
}  # fmt: skip


#: Belong to the whole installation: the practice itself, people who sign in, and published lists of codes.
NO_PRACTICES = {
    "accounts.Installation",
    "practice.Practice",
    "accounts.User",
    "codes.CodeRelease",
    "codes.DiagnosisCode",
}


def row_of(room: str) -> int:
    return next(number for number, row in enumerate(ROWS) if room in row)


def own_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model.__module__.startswith("paywell.")]


def tracked(*patterns: str) -> list[Path]:
    """The project's files as git knows them; outside a checkout, all that lie below its folders."""
    done = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()]
    return [path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts]


def test_every_room_stands_on_a_row() -> None:
    rooms = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    assert rooms == {room for row in ROWS for room in row}


def test_foreign_keys_point_down_the_rows() -> None:
    wrong = [
        f"{model._meta.label}.{field.name} -> {field.related_model._meta.label}"
        for model in own_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey)
        and field.related_model._meta.app_label in {room for row in ROWS for room in row}
        and field.related_model._meta.app_label != model._meta.app_label
        and row_of(field.related_model._meta.app_label) <= row_of(model._meta.app_label)
    ]
    assert wrong == []


def test_every_row_of_a_practice_names_it() -> None:
    without = {
        model._meta.label
        for model in own_models()
        if not {"practice", "practice_id"} & {field.name for field in model._meta.get_fields()}
    }
    assert without == NO_PRACTICES


def test_every_unique_rule_on_a_practice_s_table_names_the_practice_or_an_owner_that_has_one() -> None:
    scoped_by = {"practice", "practice_id", "book", "chain_id"}
    wrong = [
        f"{model._meta.label}: {rule.name}"
        for model in own_models()
        for rule in model._meta.constraints
        if isinstance(rule, models.UniqueConstraint)
        and model._meta.label not in NO_PRACTICES
        and not scoped_by & set(rule.fields)
    ]
    assert wrong == []


def test_ids_are_uuids() -> None:
    for model in own_models():
        key = model._meta.pk
        while isinstance(key, models.OneToOneField):
            key = key.target_field
        assert isinstance(key, models.UUIDField), model._meta.label


def test_f78_no_money_column_is_a_float_or_a_decimal() -> None:
    for model in own_models():
        for field in model._meta.get_fields():
            assert not isinstance(field, models.FloatField | models.DecimalField), (
                f"{model._meta.label}.{field.name}"
            )
            if field.name.endswith("_minor"):
                assert isinstance(field, models.BigIntegerField), f"{model._meta.label}.{field.name}"


@pytest.mark.django_db
@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
def test_the_database_guards_the_tables_that_only_grow(table: str) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
            assert {name for (name,) in cursor.fetchall()} >= {f"{table}_no_update", f"{table}_no_delete"}
        else:
            cursor.execute(
                "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND tgenabled <> 'D'", [table]
            )
            assert {name for (name,) in cursor.fetchall()} >= {f"{table}_append_only", f"{table}_no_truncate"}


@pytest.mark.django_db(transaction=True)
def test_postgresql_refuses_to_truncate_the_ledger() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no TRUNCATE")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE ledger_transfer CASCADE")


def test_no_file_is_longer_than_500_lines() -> None:
    long = [
        str(path.relative_to(ROOT))
        for path in tracked("*.py")
        if "migrations" not in path.parts and len(path.read_text().splitlines()) > 500
    ]
    assert long == []


def test_no_room_has_a_module_that_names_nothing() -> None:
    nothing, in_a_room = {"utils", "helpers", "common"}, {"services"}
    found = [
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if path.stem in nothing or (path.stem in in_a_room and path.parent.parent == SOURCE)
    ]
    assert found == []


def test_no_path_of_a_machine_and_no_index_address_stands_in_the_project() -> None:
    forbidden = re.compile(r"/(?:work|root)/|--(?:extra-)?index-url|https?://[\w.]*(?:pypi|pythonhosted)\.org")
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in tracked()
        if path.suffix not in {".ttf", ".png", ".ico"} and path != Path(__file__)
        for match in forbidden.finditer(path.read_text(errors="replace"))
    ]
    assert found == []
