"""A practice with a clinician, clients and services, as small as can be invoiced."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from paywell.care.actions import record_service
from paywell.care.models import Service
from paywell.clients.models import BillingAccount, Client, StandingShare
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.practice.models import Clinician, Practice

CREATED = datetime(2026, 1, 5, 15, tzinfo=UTC)


def make_practice(**fields: Any) -> Practice:
    values = {
        "name": "Willow Creek Therapy",
        "slug": f"practice-{new_id().hex[-12:]}",
        "phone": "+13035550142",
        "email": "office@willow.example.org",
        "street": "12 Creek Lane",
        "city": "Golden",
        "state": "CO",
        "postal_code": "80401",
        "tax_id": "12-3456789",
        "created_at": CREATED,
    }
    return Practice.objects.create(**{**values, **fields})


def make_clinician(practice: Practice, **fields: Any) -> Clinician:
    values = {"name": "Mara Feld", "credentials": "LCSW", "npi": "1234567893"}
    return Clinician.objects.create(practice=practice, **{**values, **fields})


def make_account(practice: Practice, name: str = "Ada Brook") -> BillingAccount:
    return BillingAccount.objects.create(practice=practice, name=name, created_at=CREATED)


def make_client(practice: Practice, account: BillingAccount | None = None, **fields: Any) -> Client:
    values = {"legal_first_name": "Ada", "legal_last_name": "Brook", "birth_date": date(1990, 5, 6)}
    return Client.objects.create(
        practice=practice,
        default_account=account or make_account(practice),
        created_at=CREATED,
        **{**values, **fields},
    )


def make_share(client: Client, account: BillingAccount, basis_points: int) -> StandingShare:
    return StandingShare.objects.create(
        practice_id=client.practice_id, client=client, account=account, basis_points=basis_points
    )


def make_service(
    client: Client,
    on: date = date(2026, 11, 3),
    fee: int = 12_000,
    clinician: Clinician | None = None,
    **values: Any,
) -> Service:
    return record_service(
        practice=client.practice,
        client=client,
        clinician=clinician or make_clinician(client.practice),
        on=on,
        fee=Money(fee),
        code=values.pop("code", "IND50"),
        wording=values.pop("wording", "Individual session, 50 minutes"),
        actor_id=None,
        **values,
    )
