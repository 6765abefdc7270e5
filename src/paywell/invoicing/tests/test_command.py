from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from paywell.care.actions import add_catalog_item
from paywell.care.tests.lists import LINK2MD, MY_BEST_PRACTICE
from paywell.core.money import Money
from paywell.practice.actions import add_clinician, create_practice

pytestmark = pytest.mark.django_db


def test_a_practices_own_list_is_invoiced_on_the_first_day(tmp_path: Path) -> None:
    practice = create_practice(name="Willow Creek", actor_id=None)
    add_clinician(practice=practice, name="Mara Feldt", credentials="LCSW", actor_id=None)
    for code, wording in (("IND50", "Individual session, 50 minutes"), ("H0004", "Counseling, each 15 minutes")):
        add_catalog_item(practice=practice, code=code, wording=wording, fee=Money(3_800), actor_id=None)
    clients, path = tmp_path / "clients.csv", tmp_path / "services.csv"
    clients.write_text(LINK2MD)
    path.write_text(MY_BEST_PRACTICE)
    out = StringIO()
    call_command("import_clients", str(clients), stdout=out)
    call_command("import_services", str(path), stdout=out)
    assert "Done: 3 created" in out.getvalue()
    call_command("invoice", "--from", "2026-11-01", "--to", "2026-11-30", "--dry-run", stdout=out)
    assert "Ada Brook: 3 services, $1,414.00" in out.getvalue()
    call_command("invoice", "--from", "2026-11-01", "--to", "2026-11-30", stdout=out)
    assert "INV-0001  Ada Brook  $1,414.00" in out.getvalue()
    call_command("invoice", "--from", "2026-11-01", "--to", "2026-11-30", stdout=out)
    assert "Issued 0 invoices." in out.getvalue()
    with pytest.raises(CommandError, match="no practice 'nowhere'"):
        call_command("invoice", "--practice", "nowhere", "--from", "2026-11-01", "--to", "2026-11-30")
