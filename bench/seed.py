"""Fills the measured database: payers with 5 to 10,000 services, and some who only pay.

Run in a process of its own (`python -m bench.seed SIZES PAYERS`), with Paywell's settings; prints, as JSON, a
session key and the open lines of each payer.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import Any
from uuid import UUID

import django

#: Services of those who pay, enough for some seconds of payments as fast as they go.
MOST_PAID = 1_500


def main() -> None:
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    sizes = [int(size) for size in sys.argv[1].split(",")]
    payers = int(sys.argv[2])
    practice, clinician, processor = make_practice()
    people: dict[str, Any] = {str(size): make_payer(practice, clinician, processor, size) for size in sizes}
    people |= {f"payer{number}": make_payer(practice, clinician, processor, MOST_PAID) for number in range(payers)}
    print(json.dumps(people))


def make_practice() -> tuple[Any, Any, Any]:
    from paywell.payments.availability import allow_payments  # noqa: F401  (fails early where the room is unfinished)
    from paywell.payments.processor_accounts import connect_processor
    from paywell.practice.actions import add_clinician, create_practice, set_payments_allowed

    practice = create_practice(name="Bench Practice", actor_id=None)
    clinician = add_clinician(practice=practice, name="Robin Bench", actor_id=None)
    processor = connect_processor(
        practice=practice, connector="bench", settings={}, secrets={}, live_mode=False, actor_id=None
    )
    practice = set_payments_allowed(practice=practice, allowed=True, actor_id=None)
    return practice, clinician, processor


def make_payer(practice: Any, clinician: Any, processor: Any, size: int) -> dict[str, Any]:
    """One client who pays for themselves, with `size` services, every fifth one paid already."""
    from django.contrib.sessions.backends.db import SessionStore

    from paywell.accounts.models import User
    from paywell.care.models import Service
    from paywell.clients.actions import create_client, create_contact, grant_access
    from paywell.clients.models import GrantRole
    from paywell.core import clock
    from paywell.core.ids import new_id
    from paywell.invoicing.actions import issue_invoice
    from paywell.invoicing.models import InvoiceLine
    from paywell.payments.models import SavedCard

    now = clock.now()
    name = f"p{new_id().hex[-8:]}"
    client = create_client(practice=practice, legal_first_name="Bench", legal_last_name=name, actor_id=None)
    user = User.objects.create_user(f"{name}@example.org", None)
    contact = create_contact(practice=practice, name=f"Bench {name}", email=user.email, user=user, actor_id=None)
    grant_access(
        contact=contact, client=client, account=client.default_account, role=GrantRole.SELF, may_pay=True,
        may_see_documents=True, may_see_diagnosis=True, valid_from=(now - timedelta(days=9)).date(), actor_id=None,
    )  # fmt: skip
    card = SavedCard.objects.create(
        practice=practice, processor_account=processor, contact=contact, token=f"tok_{name}",
        customer_ref=f"cus_{name}", brand="Visa", last4="4242", exp_month=12,
        exp_year=2031, is_default=True, created_at=now,
    )  # fmt: skip
    today = now.date()
    services = Service.objects.bulk_create(
        Service(
            practice=practice, client=client, clinician=clinician, on=today - timedelta(days=number % 900 + 1),
            code="IND50", wording="Individual session, 50 minutes", fee_minor=14000, recorded_at=now,
        )
        for number in range(size)
    )  # fmt: skip
    for start in range(0, size, 500):
        issue_invoice(
            practice=practice, account=client.default_account, services=services[start : start + 500], actor_id=None
        )
    lines = list(InvoiceLine.objects.filter(practice=practice, account=client.default_account))
    pay_some(practice, processor, client.default_account, contact, user, lines[::5])
    paid = {line.id for line in lines[::5]}
    return {
        "session": make_session(SessionStore(), user),
        "card": str(card.id),
        "lines": [str(line.id) for line in lines if line.id not in paid],
    }


def pay_some(practice: Any, processor: Any, account: Any, contact: Any, user: Any, lines: list[Any]) -> None:
    """Payments of up to 25 lines each, through the ledger as `settle` would post them."""
    from django.db import transaction

    from paywell.core import clock
    from paywell.core.ids import new_id
    from paywell.core.money import Money
    from paywell.ledger.actions import Line, Posting, Side, post
    from paywell.ledger.models import AccountKind
    from paywell.payments.models import Attempt, AttemptLine, AttemptState

    now = clock.now()
    size = 1 if len(lines) < 100 else 5
    for start in range(0, len(lines), size):
        part: list[Any] = lines[start : start + size]
        with transaction.atomic():
            attempt = Attempt.objects.create(
                id=new_id(), practice=practice, account=account, processor_account=processor, contact=contact,
                actor=user, state=AttemptState.SUCCEEDED, amount_minor=14000 * len(part), currency="USD",
                content_hash="0" * 64, captured_minor=14000 * len(part), card_brand="Visa", card_last4="4242",
                created_at=now, submitted_at=now, closed_at=now, deadline_at=now,
            )  # fmt: skip
            AttemptLine.objects.bulk_create(
                AttemptLine(practice=practice, attempt=attempt, line=line, amount_minor=14000) for line in part
            )
            post(
                practice_id=practice.id,
                book_owner_id=account.id,
                source=f"payment:{attempt.id}",
                postings=[
                    Posting(
                        Side(AccountKind.CLEARING, processor.id),
                        Side(AccountKind.RECEIVABLE, account.id),
                        Money(14000),
                        Line(line.id),
                    )
                    for line in part
                ],
                actor_id=user.pk,
            )


def make_session(store: Any, user: Any) -> str:
    """A signed-in session, as the sign-in page would make it."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    store[SESSION_KEY] = str(UUID(str(user.pk)))
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return store.session_key


if __name__ == "__main__":
    main()
