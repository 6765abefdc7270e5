from __future__ import annotations

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.urls import reverse


@pytest.mark.django_db
def test_it_is_well_while_the_database_answers() -> None:
    response = Client().get(reverse("api:health"))
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_it_is_not_well_without_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(connection, "cursor", fail)
    response = Client().get(reverse("api:health"))
    assert (response.status_code, response.json()) == (503, {"status": "no database"})
