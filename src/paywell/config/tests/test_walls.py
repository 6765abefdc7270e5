from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import DatabaseError, connection, transaction

from paywell.config.walls import POLICY, walled_tables
from paywell.core.db import all_practices, scope_to_practice
from paywell.payments.models import Attempt, ProcessorAccount
from paywell.payments.tests.factories import make_world
from paywell.practice.models import Clinician, Practice

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _on_postgresql() -> Iterator[None]:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no row-level security")
    yield
    scope_to_practice(None)


def test_every_table_of_a_practice_has_the_wall() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_policies WHERE policyname = %s", [POLICY])
        walled = {name for (name,) in cursor.fetchall()}
    assert walled == {table for table, _ in walled_tables()}
    assert Attempt._meta.db_table in walled


def test_a_query_that_forgets_its_practice_finds_nothing_of_another_one() -> None:
    mine, other = make_world(), make_world("Elsewhere")
    assert Practice.objects.count() == 2
    scope_to_practice(mine.practice.id)
    assert list(Practice.objects.values_list("id", flat=True)) == [mine.practice.id]
    assert list(ProcessorAccount.objects.values_list("practice_id", flat=True)) == [mine.practice.id]
    assert Clinician.objects.filter(pk=other.clinician.pk).update(name="Changed") == 0
    with all_practices():
        assert Clinician.objects.get(pk=other.clinician.pk).name == "Ana Ruiz"
    assert Practice.objects.count() == 1


def test_a_row_of_another_practice_can_t_be_written_through_the_wall() -> None:
    mine, other = make_world(), make_world("Elsewhere")
    scope_to_practice(mine.practice.id)
    with pytest.raises(DatabaseError), transaction.atomic():
        Clinician.objects.create(practice_id=other.practice.id, name="Intruder")
    scope_to_practice(None)
    assert not Clinician.objects.filter(name="Intruder").exists()
