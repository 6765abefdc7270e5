"""The insurance that a list of clients names beside each of them."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from paywell.clients.coverage import add_coverage, change_coverage
from paywell.clients.models import Client, Coverage, Relationship
from paywell.core.csv_import import Field, Row
from paywell.core.errors import UserError

INSURANCE_FIELDS: Final = (
    Field(
        "insurer",
        ("insurance", "insurance company", "insurance name", "primary insurance"),
        max_length=120,
    ),
    Field(
        "member_id", ("insurance id", "member number", "policy number", "subscriber id", "policy id"), max_length=40
    ),
    Field("group_number", ("group", "group id", "policy group", "group no"), max_length=40),
    Field(
        "relationship",
        ("relationship to subscriber", "relationship to insured", "insured relationship", "patient relationship"),
        max_length=20,
    ),
    Field("subscriber_name", ("subscriber", "insured name", "policy holder", "policyholder"), max_length=160),
    Field(
        "subscriber_birth_date",
        ("subscriber dob", "subscriber date of birth", "insured dob", "policy holder dob"),
        is_date=True,
    ),
    Field("subscriber_street", ("subscriber address", "insured address", "policy holder address"), max_length=200),
    Field("subscriber_city", ("insured city", "policy holder city"), max_length=80),
    Field("subscriber_state", ("insured state", "policy holder state"), max_length=2),
    Field(
        "subscriber_postal_code",
        ("subscriber zip", "subscriber zip code", "insured zip", "policy holder zip"),
        max_length=10,
    ),
    Field(
        "starts_on",
        ("coverage start", "insurance start", "coverage start date", "effective date", "policy start date"),
        is_date=True,
    ),
    Field(
        "ends_on",
        ("coverage end", "insurance end", "coverage end date", "termination date", "policy end date"),
        is_date=True,
    ),
    Field("authorization_number", ("authorization", "auth number", "prior authorization"), max_length=40),
    Field("referring_name", ("referred by", "referring provider", "referring physician"), max_length=160),
    Field("referring_npi", ("referring provider npi", "referrer npi"), max_length=10),
    Field("filing_days", ("timely filing", "timely filing days", "days to file"), max_length=4),
    Field("rank", ("insurance order", "insurance priority", "coverage order"), max_length=10),
)
_RELATIONSHIPS: Final = {
    "": "", "self": Relationship.SELF, "subscriber": Relationship.SELF, "18": Relationship.SELF,
    "spouse": Relationship.SPOUSE, "wife": Relationship.SPOUSE, "husband": Relationship.SPOUSE,
    "child": Relationship.CHILD, "son": Relationship.CHILD, "daughter": Relationship.CHILD,
    "dependent": Relationship.CHILD, "other": Relationship.OTHER,
}  # fmt: skip
_RANKS: Final = {"primary": "1", "secondary": "2", "tertiary": "3"}
_TEXTS: Final = (
    "insurer", "member_id", "group_number", "subscriber_name", "subscriber_street", "subscriber_city",
    "subscriber_state", "subscriber_postal_code", "authorization_number", "referring_name", "referring_npi",
)  # fmt: skip
_DATES: Final = ("subscriber_birth_date", "starts_on", "ends_on")


def read_insurance(row: Row) -> dict[str, Any]:
    """What the row says of the client's insurance, in the form of `Coverage`; nothing where it names no insurer.

    Raises UserError where a word or a number can't be read, or where no insurer is named beside them.
    """
    values: dict[str, Any] = {name: row[name] for name in _TEXTS if row[name]}
    values |= {name: row.dates[name] for name in _DATES if name in row.dates}
    relationship = row["relationship"].lower()
    if relationship not in _RELATIONSHIPS:
        raise UserError(
            "Write self, spouse, child or other.", code="relationship_unknown", field="relationship"
        )  # fmt: skip
    if relationship:
        values["relationship"] = _RELATIONSHIPS[relationship]
    for name in ("filing_days", "rank"):
        text = _RANKS.get(row[name].lower(), row[name])
        if text and not (text.isascii() and text.isdigit()):
            raise UserError("Write a whole number.", code=f"{name}_invalid", field=name)
        if text:
            values[name] = int(text)
    if values.get("member_id") and "insurer" not in values:
        raise UserError("Write the insurer's name beside the member ID.", code="insurer_missing", field="member_id")
    return values if "insurer" in values else {}


def keep_insurance(client: Client, values: dict[str, Any], *, actor_id: UUID | None) -> bool:
    """Add the insurance to the client, or change the one of the same insurer and rank. Whether anything changed.

    An empty cell never erases what is there. Raises UserError as the actions do, and where the first day lacks.
    """
    if not values:
        return False
    found = Coverage.objects.filter(
        practice_id=client.practice_id, client=client, insurer__iexact=values["insurer"], rank=values.get("rank", 1)
    ).order_by("-starts_on")
    coverage = found.first()
    if coverage is None:
        if "starts_on" not in values:
            raise UserError(
                "Add a column with the day from which the insurance holds, like 1/1/2026.",
                code="starts_on_missing", field="starts_on",
            )  # fmt: skip
        add_coverage(client=client, actor_id=actor_id, **values)
        return True
    before = {name: getattr(coverage, name) for name in values}
    after = change_coverage(coverage=coverage, actor_id=actor_id, **{**values, "insurer": coverage.insurer})
    return any(getattr(after, name) != before[name] for name in values)
