"""Prepared queries give what the queryset gives, with the values of each call, and refuse what they can't hold."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import Count, QuerySet
from django.test.utils import CaptureQueriesContext

from paywell.accounts.models import User
from paywell.core.ids import new_id
from paywell.core.prepared import Prepared
from paywell.practice.models import Clinician, Practice

pytestmark = pytest.mark.django_db


def make_practice(name: str) -> Practice:
    from paywell.practice.actions import create_practice

    return create_practice(name=name, actor_id=None)


def make_clinician(practice: Practice, name: str) -> Clinician:
    from paywell.practice.actions import add_clinician

    return add_clinician(practice=practice, name=name, actor_id=None)


def test_each_call_gets_the_rows_of_its_own_values() -> None:
    one, other = make_practice("One"), make_practice("Other")
    ada, ben = make_clinician(one, "Ada"), make_clinician(other, "Ben")
    of_practice = Prepared(
        lambda practice: Clinician.objects.filter(practice_id=practice).select_related("practice").order_by("name")
    )
    for practice, clinician in ((one, ada), (other, ben), (one, ada)):
        with CaptureQueriesContext(connection) as queries:
            found = of_practice(practice=practice.id)
            assert [(row, row.practice.name) for row in found] == [(clinician, practice.name)]
        assert len(queries) == 1
    assert of_practice(practice=new_id()) == []


def test_collections_of_each_length_and_none_at_all() -> None:
    practice = make_practice("One")
    people = [make_clinician(practice, name) for name in ("Ada", "Ben", "Cyd")]
    named = Prepared(
        lambda ids: Clinician.objects.filter(id__in=ids).order_by("name").values_list("name", flat=True)
    )
    assert named(ids=frozenset(person.id for person in people)) == ["Ada", "Ben", "Cyd"]
    assert named(ids=[people[2].id, people[0].id]) == ["Ada", "Cyd"]
    assert named(ids=(people[1].id,)) == ["Ben"]
    assert named(ids=[]) == []


def test_days_moments_and_text_travel_as_they_are() -> None:
    user = User.objects.create_user("ada@example.org")
    seen = Prepared(
        lambda email, since, until: User.objects.filter(
            email=email, created_at__gte=since, created_at__lt=until
        ).values("id", "created_at")
    )
    hour = timedelta(hours=1)
    assert seen(email=user.email, since=user.created_at - hour, until=user.created_at + hour) == [
        {"id": user.id, "created_at": user.created_at}
    ]
    assert seen(email=user.email, since=user.created_at + hour, until=user.created_at + 2 * hour) == []
    assert seen(email="' OR 1=1 --", since=datetime(2000, 1, 1, tzinfo=UTC), until=user.created_at + hour) == []


def test_numbers_and_none_belong_to_the_shape() -> None:
    practice = make_practice("One")
    for name in ("Ada", "Ben", "Cyd"):
        make_clinician(practice, name)

    def build(practice: UUID, start: int, limit: int | None) -> QuerySet[Any, Any]:
        rows = Clinician.objects.filter(practice_id=practice).order_by("name").values_list("name", flat=True)
        return rows[start:limit]

    names = Prepared(build)
    assert names(practice=practice.id, start=0, limit=2) == ["Ada", "Ben"]
    assert names(practice=practice.id, start=1, limit=None) == ["Ben", "Cyd"]
    assert names.first(practice=practice.id, start=5, limit=6) is None


def test_groups_and_annotations() -> None:
    practice = make_practice("One")
    make_clinician(practice, "Ada")
    make_clinician(practice, "Ben")
    counted = Prepared(
        lambda practice: (
            Clinician.objects.filter(practice_id=practice).values("practice_id").annotate(n=Count("id"))
        )
    )
    assert counted(practice=practice.id) == [{"practice_id": practice.id, "n": 2}]
    assert counted(practice=new_id()) == []


def test_what_changes_a_value_on_its_way_is_refused() -> None:
    contains = Prepared(lambda name: Clinician.objects.filter(name__contains=name))
    with pytest.raises(TypeError, match="as it is"):
        contains(name="Ada")
    forgets = Prepared(lambda practice, on: Clinician.objects.filter(practice_id=practice))
    with pytest.raises(TypeError, match="as it is"):
        forgets(practice=new_id(), on=date(2026, 1, 1))
