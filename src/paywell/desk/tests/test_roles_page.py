"""The page that shows who may do what: signs in columns where there is room, names on a phone."""

from __future__ import annotations

import pytest
from django.urls import reverse

from paywell.accounts.models import Role
from paywell.desk.tests.factories import Desk


@pytest.mark.parametrize("role", [Role.OWNER, Role.READ_ONLY])
def test_each_right_names_the_roles_that_have_it(desk: Desk, role: Role) -> None:
    page = desk.browser(role).get(reverse("desk:roles")).content.decode()
    names = "Change settings, staff and the processor" + '<span class="phone-only quiet small">Owner</span>'
    assert names in page
    assert (
        "See diagnoses and superbills"
        + '<span class="phone-only quiet small">Owner, Biller, Clinician, Read-only</span>'
        in page
    )
