"""Makes a practice of its cast: clinicians, catalogue, staff, clients, payers and what they may see."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import transaction

from paywell.accounts.actions import create_staff_member
from paywell.accounts.models import Role, User
from paywell.care.actions import add_catalog_item, add_diagnosis
from paywell.care.models import CatalogItem, Diagnosis, ServiceKind
from paywell.clients.actions import (
    create_billing_account,
    create_client,
    create_contact,
    grant_access,
    set_standing_shares,
)
from paywell.clients.coverage import add_coverage
from paywell.clients.models import BillingAccount, Client, Contact
from paywell.core import clock
from paywell.core.identifiers import make_npi
from paywell.core.money import Money
from paywell.demo.cast import PASSWORD, ClientPart, PayerPart, PracticePart, email_of
from paywell.practice.actions import add_clinician, add_location, create_practice
from paywell.practice.models import Clinician, Location, Practice

_ROLES = {
    "owner": Role.OWNER,
    "biller": Role.BILLER,
    "clinician": Role.CLINICIAN,
    "front desk": Role.FRONT_DESK,
    "read-only": Role.READ_ONLY,
}


@dataclass
class Troupe:
    """The rows of one practice, by the names of its cast."""

    part: PracticePart
    practice: Practice
    clinicians: dict[str, Clinician] = field(default_factory=dict)
    locations: dict[str, Location] = field(default_factory=dict)
    items: dict[str, CatalogItem] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    accounts: dict[str, BillingAccount] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    diagnoses: dict[str, list[Diagnosis]] = field(default_factory=dict)
    contacts: dict[str, Contact] = field(default_factory=dict)

    @property
    def owner(self) -> User:
        return self.users[self.part.staff[0].name]

    @property
    def biller(self) -> User:
        return self.users[next(s.name for s in self.part.staff if s.role == "biller")]


def make_troupe(part: PracticePart, *, opened_at: datetime) -> Troupe:
    """Everything that stands before the first service, dated at `opened_at`."""
    with clock.set_to(opened_at), transaction.atomic():
        practice = create_practice(name=part.name, slug=part.slug, actor_id=None, **part.fields)
        troupe = Troupe(part, practice)
        _make_staff(troupe)
        _make_offer(troupe)
        for client_part in part.clients:
            _make_client(troupe, client_part, opened_at.date())
        for payer_part in part.payers:
            _make_payer(troupe, payer_part, opened_at.date())
    return troupe


def make_user(name: str) -> User:
    """A person who can sign in at once, with a confirmed e-mail; the one of that name where there is one."""
    email = email_of(name)
    user = User.objects.filter(email=email).first()
    if user is None:
        user = User.objects.create(email=email, name=name, password=_hash())
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


_hashes: list[str] = []


def _hash() -> str:
    """The hash of everybody's password, computed once: a slow hash for each would be half of the seed's time."""
    if not _hashes:
        _hashes.append(make_password(PASSWORD))
    return _hashes[0]


def _make_staff(troupe: Troupe) -> None:
    part, practice = troupe.part, troupe.practice
    for clinician in part.clinicians:
        troupe.clinicians[clinician.name] = add_clinician(
            practice=practice,
            name=clinician.name,
            credentials=clinician.credentials,
            npi=make_npi(clinician.npi_digits),
            license_number=clinician.license_number,
            license_state=practice.state,
            has_signature_on_file=True,
            actor_id=None,
        )
    for member in part.staff:
        user = troupe.users[member.name] = make_user(member.name)
        create_staff_member(
            practice=practice,
            user=user,
            role=_ROLES[member.role],
            clinician=troupe.clinicians.get(member.clinician),
            actor_id=None,
        )


def _make_offer(troupe: Troupe) -> None:
    practice, actor_id = troupe.practice, troupe.owner.id
    for place in troupe.part.locations:
        troupe.locations[place["name"]] = add_location(practice=practice, actor_id=actor_id, **place)
    for item in troupe.part.catalogue:
        troupe.items[item.code] = add_catalog_item(
            practice=practice,
            code=item.code,
            wording=item.wording,
            fee=Money(item.fee, practice.currency),
            kind=ServiceKind(item.kind),
            actor_id=actor_id,
        )


def _make_client(troupe: Troupe, part: ClientPart, since: date) -> None:
    practice, actor_id = troupe.practice, troupe.biller.id
    number = len(troupe.clients) + 1
    address: dict[str, Any] = {
        "street": f"{100 + 7 * number} Maple Avenue",
        "city": practice.city,
        "state": practice.state,
        "postal_code": practice.postal_code,
    }
    for name in (part.account, *(name for name, _ in part.shares)):
        if name not in troupe.accounts:
            troupe.accounts[name] = create_billing_account(
                practice=practice, name=name, actor_id=actor_id, **address
            )
    client = troupe.clients[part.key] = create_client(
        practice=practice,
        legal_first_name=part.first,
        legal_last_name=part.last,
        preferred_name=part.preferred,
        birth_date=date.fromisoformat(part.birth),
        sex=part.sex,
        email=email_of(part.key),
        phone=f"{practice.phone[:-2]}{number + 20}",
        clinician=troupe.clinicians[part.clinician],
        default_account=troupe.accounts[part.account],
        payments_allowed=part.payments_allowed,
        external_id=f"C{number:03d}",
        actor_id=actor_id,
        **address,
    )
    if part.shares:
        set_standing_shares(
            client=client,
            shares={troupe.accounts[name].id: points for name, points in part.shares},
            actor_id=actor_id,
        )
    troupe.diagnoses[part.key] = [
        add_diagnosis(
            practice=practice,
            client=client,
            code=code,
            description=description,
            diagnosed_on=since,
            rank=rank,
            actor_id=troupe.owner.id,
        )
        for rank, (code, description) in enumerate(part.diagnosis, start=1)
    ]
    if part.diagnosis:
        add_coverage(
            client=client,
            insurer="Alder Mutual",
            member_id=f"XDM{number:06d}",
            group_number="G4100",
            filing_days=365,
            starts_on=since.replace(month=1, day=1),
            actor_id=actor_id,
        )


def _make_payer(troupe: Troupe, part: PayerPart, since: date) -> None:
    practice, actor_id = troupe.practice, troupe.biller.id
    user = troupe.users[part.name] = make_user(part.name)
    contact = troupe.contacts[part.name] = create_contact(
        practice=practice, name=part.name, email=user.email, user=user, actor_id=actor_id
    )
    for grant in part.grants:
        grant_access(
            contact=contact,
            client=troupe.clients[grant.client],
            account=troupe.accounts[grant.account],
            role=grant.role,
            may_pay=grant.pay,
            may_see_documents=grant.documents,
            may_see_diagnosis=grant.diagnosis,
            valid_from=since,
            actor_id=actor_id,
        )
