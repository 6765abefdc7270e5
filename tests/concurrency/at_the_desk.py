"""Somebody at the desk who counts cash, twice a second until told to stop: `python at_the_desk.py`.

A file and not a module of `tests`, since it runs the code of the release before as well: it asks for nothing that
is younger than payments by hand. Prints how many payments it entered; an error ends it, and says so.
"""

from __future__ import annotations

import signal
import sys
import time

import django


def main() -> int:
    django.setup()
    from paywell.accounts.models import Role, User
    from paywell.accounts.types import StaffViewer
    from paywell.billing.entries import EntryForm, make_entry
    from paywell.billing.models import EntryKind, Method
    from paywell.clients.models import BillingAccount
    from paywell.core.ids import new_id
    from paywell.core.money import Money
    from paywell.practice.models import Practice

    told_to_stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: told_to_stop.append(number))
    viewer = StaffViewer(User.objects.earliest("id").id, Practice.objects.get(), Role.OWNER)
    account = BillingAccount.objects.create(
        practice=viewer.practice, name="Pays in cash", created_at=viewer.practice.created_at
    )
    entered = 0
    while not told_to_stop:
        form = EntryForm(entry_id=new_id(), kind=EntryKind.PAYMENT, amount=Money(4000), method=Method.CASH)
        make_entry(viewer=viewer, account=account, form=form)
        entered += 1
        time.sleep(0.5)
    print(entered)
    return 0


if __name__ == "__main__":
    sys.exit(main())
