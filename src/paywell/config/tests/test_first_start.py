"""What an empty installation says when it starts."""

from __future__ import annotations

import pytest

from paywell.accounts.installation import install, use_code
from paywell.accounts.tests.factories import PASSWORD
from paywell.config import first_start


@pytest.mark.django_db
def test_the_web_server_of_an_empty_installation_prints_the_code_and_a_full_one_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_start.connection, "close", lambda: None)
    first_start.announce_setup()
    said = capsys.readouterr().err
    assert "/setup/" in said
    assert use_code(said.rpartition(": ")[2].strip())
    install(practice_name="Willow", owner_name="Mara", owner_email="mara@example.org", password=PASSWORD)
    first_start.announce_setup()
    assert capsys.readouterr().err == ""
