"""Places of service by their two digits (a code set of the US government), named in our own words, by date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from paywell.codes.types import Finding, Verdict
from paywell.core.templatetags.paywell import day as write_day

#: Care at a distance was one code until that day: from then on one for the person at home, one for elsewhere.
TELEHEALTH_SPLIT: Final = date(2022, 1, 1)


@dataclass(frozen=True, slots=True)
class Place:
    code: str
    name: str
    since: date | None = None


_NAMES: Final = {
    "01": "Pharmacy", "02": "By video or phone, client not at home", "03": "School",
    "04": "Shelter for people without a home",
    "05": "Indian Health Service, standing alone", "06": "Indian Health Service, part of a hospital",
    "07": "Tribal 638, standing alone", "08": "Tribal 638, part of a hospital", "09": "Prison or jail",
    "10": "By video or phone, client at home", "11": "Office", "12": "Client's home", "13": "Assisted living",
    "14": "Group home", "15": "Mobile unit", "16": "Hotel, camp or other lodging", "17": "Clinic in a store",
    "18": "Client's workplace", "19": "Hospital outpatient, away from its campus", "20": "Urgent care",
    "21": "Hospital inpatient", "22": "Hospital outpatient, on its campus", "23": "Emergency room",
    "24": "Day surgery", "25": "Birthing center", "26": "Military treatment facility", "27": "On the street",
    "31": "Skilled nursing", "32": "Nursing home", "33": "Custodial care", "34": "Hospice",
    "41": "Ambulance by land", "42": "Ambulance by air or water", "49": "Independent clinic",
    "50": "Federally qualified health center", "51": "Psychiatric inpatient", "52": "Psychiatric day hospital",
    "53": "Community mental health center", "54": "Care home for intellectual disability",
    "55": "Residential substance use care", "56": "Psychiatric residential care",
    "57": "Substance use care, not residential", "58": "Opioid treatment, not residential",
    "60": "Mass immunization", "61": "Inpatient rehabilitation", "62": "Outpatient rehabilitation",
    "65": "Kidney disease treatment", "66": "All-inclusive care for the elderly", "71": "Public health clinic",
    "72": "Rural health clinic", "81": "Laboratory", "99": "Another place",
}  # fmt: skip
_SINCE: Final = {"10": TELEHEALTH_SPLIT, "27": date(2023, 10, 1)}
PLACES: Final = {code: Place(code, name, _SINCE.get(code)) for code, name in _NAMES.items()}


def name_place(code: str) -> str:
    """`11 Office`: the digits that insurers read, with what they mean. Digits unknown here stand alone."""
    place = PLACES.get(code)
    return f"{code} {place.name}" if place else code


def list_places(on: date) -> list[Place]:
    """The codes that hold on that day, in order."""
    return [place for place in PLACES.values() if place.since is None or place.since <= on]


def check_place(code: str, on: date) -> Verdict:
    """What is to be said of a place-of-service code for a service of that day.

    Before 2022 all care at a distance is 02 (CMS transmittal 11045): 10 is a block then. Two digits that this
    version does not know are a warning, since the set grows.
    """
    if not (len(code) == 2 and code.isascii() and code.isdigit()):
        return Verdict(code, Finding.BAD_FORM, "A place-of-service code has two digits, like 11.")
    place = PLACES.get(code)
    if place is None:
        return Verdict(
            code, Finding.NOT_LISTED, f"Place of service {code} is not known here. Compare it with the list."
        )
    if place.since and on < place.since:
        instead = " Use 02 for care at a distance." if code == "10" else ""
        told = f"Place of service {code} ({place.name}) holds from {write_day(place.since)} on.{instead}"
        return Verdict(code, Finding.NOT_VALID, told, place.name)
    return Verdict(code, Finding.VALID, description=place.name)
