"""The steps of the set-up as the command line takes them: one line of text each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from django.conf import settings

from paywell.accounts import actions as accounts
from paywell.accounts.types import StaffViewer
from paywell.care.actions import add_catalog_item
from paywell.clients.models import Client
from paywell.core.errors import UserError
from paywell.core.identifiers import clean_npi, clean_tax_id
from paywell.core.money import parse_money
from paywell.core.phones import parse_phone
from paywell.core.zones import ZONES, list_zones
from paywell.desk.actions import add_client, try_test_processor
from paywell.payments.availability import allow_payments
from paywell.practice.actions import add_clinician, clean_email, clean_postal_code, clean_state, update_practice
from paywell.practice.logo import set_logo
from paywell.processors.registry import CONNECTORS

#: What reads an answer at once, by its option, so that it is asked again alone; it raises UserError.
CHECKS: Final[dict[str, Callable[[str], object]]] = {
    "owner_email": partial(accounts.clean_email, required=True),
    "phone": parse_phone,
    "email": clean_email,
    "state": clean_state,
    "postal_code": clean_postal_code,
    "tax_id": clean_tax_id,
    "npi": clean_npi,
}
#: How many time zones a terminal numbers.
ZONES_SHOWN: Final = 7


def read_zone(answer: str) -> str:
    """`2`, of the zones that are shown, or `America/Puerto_Rico`. Raises UserError `timezone_invalid`."""
    numbered = {str(number): zone for number, (zone, _) in enumerate(list_zones()[:ZONES_SHOWN], start=1)}
    zone = numbered.get(answer, answer)
    if zone not in ZONES:
        raise UserError(
            f"Enter a number from 1 to {ZONES_SHOWN}, or a time zone like America/Denver.", code="timezone_invalid"
        )
    return zone


def fill_in_practice(viewer: StaffViewer, **details: str) -> None:
    """Fields of the practice, as documents print them."""
    update_practice(practice=viewer.practice, actor_id=viewer.id, **details)


def add_clinician_line(viewer: StaffViewer, line: str) -> None:
    """`Mara Feld|LCSW|1234567893`; credentials and NPI may be left out."""
    name, credentials, npi = _split(line, "NAME|CREDENTIALS|NPI", least=1)
    add_clinician(practice=viewer.practice, name=name, credentials=credentials, npi=npi, actor_id=viewer.id)


def add_item_line(viewer: StaffViewer, line: str) -> None:
    """`IND50|Individual session|140.00`."""
    code, wording, fee = _split(line, "CODE|WORDING|FEE", least=3)
    add_catalog_item(
        practice=viewer.practice, code=code, wording=wording, fee=parse_money(fee, viewer.practice.currency),
        actor_id=viewer.id,
    )  # fmt: skip


def connect_test(viewer: StaffViewer, connector: str, address: str) -> None:
    """A test processor. The keys of a real one are entered in the browser, where they are tried first."""
    known = CONNECTORS.get(connector)
    if known is None or (known.is_test and not settings.ALLOW_TEST_PROCESSORS):
        raise UserError(f"There is no processor {connector!r} here.", code="processor_unknown")
    if not known.is_test:
        raise UserError(
            f"Connect {known.label} in the browser, under Settings: its keys are tried before they are stored.",
            code="processor_in_browser",
        )
    try_test_processor(viewer=viewer, connector=connector, base_url=address)


def allow(viewer: StaffViewer) -> None:
    """Allow Payments Through Client Portal."""
    allow_payments(viewer, True)


def set_look(viewer: StaffViewer, *, accent: str, png: bytes | None) -> None:
    """The color and the logo, where they are given."""
    if accent:
        update_practice(practice=viewer.practice, accent=accent, actor_id=viewer.id)
    if png is not None:
        set_logo(practice=viewer.practice, png=png, actor_id=viewer.id)


def invite_client(viewer: StaffViewer, line: str) -> Client:
    """`Ada|Brook|ada@example.org`: on file, and invited to the portal."""
    first, last, email = _split(line, "FIRST|LAST|EMAIL", least=3)
    return add_client(viewer=viewer, legal_first_name=first, legal_last_name=last, email=email, invite=True)


def _split(line: str, form: str, *, least: int) -> tuple[str, str, str]:
    parts = [part.strip() for part in line.split("|")]
    if len(parts) > 3 or len([part for part in parts if part]) < least:
        raise UserError(f"Write it as {form}, not as {line!r}.", code="line_invalid")
    one, two, three = (*parts, "", "")[:3]
    return one, two, three
