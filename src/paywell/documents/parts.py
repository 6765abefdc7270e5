"""Parts of documents that every kind needs: the letterhead, addresses, and what was paid on lines."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Protocol, TypeVar
from uuid import UUID

import phonenumbers
from django.db.models import Case, F, Q, Sum, Value, When

from paywell.documents.text import clean
from paywell.documents.types import Document, Letterhead, Setting
from paywell.ledger.models import AccountKind, Transfer
from paywell.practice.logo import get_picture
from paywell.practice.models import Location, Practice
from paywell.practice.remittance import get_pay_to

#: The other sides of a receivable that are not money received: what was charged, and what was forgiven.
_NOT_MONEY = (AccountKind.INCOME, AccountKind.WRITE_OFF, AccountKind.ADJUSTMENT)


AnyDocument = TypeVar("AnyDocument", bound=Document)

_ADDRESS = ("street", "city", "state", "postal_code")


class HasAddress(Protocol):
    @property
    def street(self) -> str: ...
    @property
    def city(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def postal_code(self) -> str: ...


def address_lines(place: HasAddress) -> tuple[str, ...]:
    """Street, then city, state and ZIP; without the lines that would be empty."""
    return address_lines_of({name: getattr(place, name) for name in _ADDRESS})


def address_lines_of(values: Mapping[str, str]) -> tuple[str, ...]:
    """The same from a mapping, such as a frozen invoice's."""
    street, city, state, postal_code = (clean(values.get(name, "")) for name in _ADDRESS)
    town = " ".join(part for part in (state, postal_code) if part)
    lines = (street, ", ".join(part for part in (city, town) if part))
    return tuple(line for line in lines if line)


def pay_to_lines(values: Mapping[str, str]) -> tuple[str, ...]:
    """To whom and where payments are sent, from the `pay_to_*` of a practice; empty where it says nothing.

    One of name and address that is missing is the practice's own.
    """
    own = {name: values.get(f"pay_to_{name}", "") for name in ("name", *_ADDRESS)}
    if not any(own.values()):
        return ()
    where = address_lines_of(own) or address_lines_of(values)
    return (clean(own["name"] or values["name"]), *where)


def pay_to_at(practice: Practice, location: Location | None = None) -> tuple[str, ...]:
    """The same as it holds today for services at `location`."""
    own = {name: getattr(practice, name) for name in ("name", *_ADDRESS)}
    return pay_to_lines(own | get_pay_to(practice, location))


@lru_cache(maxsize=2048)
def phone_text(number: str) -> str:
    """A stored number as people write it: `(503) 555-0142`, with the country outside the United States."""
    try:
        parsed = phonenumbers.parse(number, "US")
    except phonenumbers.NumberParseException:
        return clean(number)
    form = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(parsed, form.NATIONAL if parsed.country_code == 1 else form.INTERNATIONAL)


def letterhead(practice: Practice) -> Letterhead:
    """The practice as it is now. Issued invoices carry their own, from the day of issue."""
    return Letterhead(
        name=clean(practice.name),
        address=address_lines(practice),
        phone=phone_text(practice.phone),
        email=clean(practice.email),
        accent=practice.accent,
        notice=clean(practice.part2_notice, 600) if practice.is_part2_program else "",
        pay_to=pay_to_at(practice),
        pay_note=clean(practice.pay_to_note),
        logo_digest=practice.logo_digest,
    )


def setting(practice: Practice, currency: str) -> Setting:
    return Setting(locale=practice.locale, currency=currency, paper=practice.paper)


def with_logo(document: AnyDocument, practice_id: UUID) -> AnyDocument:
    """The document with the picture that its letterhead names: the logo of the day on which it was issued."""
    head = document.letterhead
    if not head.logo_digest:
        return document
    return replace(document, letterhead=replace(head, logo=get_picture(practice_id, head.logo_digest)))


def get_paid(*, practice_id: UUID, line_ids: Collection[UUID]) -> dict[UUID, int]:
    """What was received on each line less what was given back, in minor units, summed from the transfers.

    Charges and write-offs don't count: a write-off lowers the balance, but nobody paid it.
    """
    rows = (
        Transfer.objects.filter(practice_id=practice_id, line_id__in=line_ids)
        .values("line_id")
        .annotate(
            paid=Sum(
                Case(
                    When(
                        Q(credit__kind=AccountKind.RECEIVABLE) & ~Q(debit__kind__in=_NOT_MONEY),
                        then=F("amount_minor"),
                    ),
                    When(
                        Q(debit__kind=AccountKind.RECEIVABLE) & ~Q(credit__kind__in=_NOT_MONEY),
                        then=-F("amount_minor"),
                    ),
                    default=Value(0),
                )
            )
        )
    )
    return {row["line_id"]: row["paid"] for row in rows if row["line_id"]}
