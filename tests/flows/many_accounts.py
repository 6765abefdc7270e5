"""A third practice for flows whose work takes a while: many accounts that owe, so that no other flow's lists grow.

`python -m tests.flows.many_accounts` prints the address with which its owner signs in.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import django

#: Several steps of a batch, so that it can be stopped between two of them.
ACCOUNTS: Final = 450
OWNER: Final = "Olga Ferrant"


def make_practice() -> str:
    """Each account with one session that was invoiced; everything of three days ago. Gives the owner's address."""
    from paywell.accounts.actions import create_staff_member
    from paywell.accounts.models import Role
    from paywell.clients.actions import create_client
    from paywell.core import clock
    from paywell.demo.people import make_user
    from paywell.invoicing.actions import issue_invoice
    from paywell.invoicing.tests.factories import make_service
    from paywell.practice.actions import add_clinician, create_practice

    with clock.set_to(clock.now() - timedelta(days=3)):
        user = make_user(OWNER)
        practice = create_practice(name="Long Row Practice", actor_id=None)
        create_staff_member(practice=practice, user=user, role=Role.OWNER, actor_id=None)
        clinician = add_clinician(practice=practice, name="Robin Ward", credentials="LCSW", actor_id=None)
        on = clock.business_date(clock.now(), practice.timezone)
        for number in range(ACCOUNTS):
            client = create_client(
                practice=practice, legal_first_name="Client", legal_last_name=f"Number {number:03}",
                birth_date=date(1980, 1, 1), actor_id=None,
            )  # fmt: skip
            service = make_service(client, on=on, clinician=clinician)
            issue_invoice(practice=practice, account=client.default_account, services=[service], actor_id=None)
    return str(user.email)


if __name__ == "__main__":
    django.setup()
    print(make_practice())
