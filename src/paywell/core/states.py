"""The states of the United States, with the district and the territories, by name: people write either."""

from __future__ import annotations

from typing import Final

_NAMES: Final = (
    "Alabama AL, Alaska AK, American Samoa AS, Arizona AZ, Arkansas AR, California CA, Colorado CO, "
    "Connecticut CT, Delaware DE, District of Columbia DC, Florida FL, Georgia GA, Guam GU, Hawaii HI, Idaho "
    "ID, Illinois IL, Indiana IN, Iowa IA, Kansas KS, Kentucky KY, Louisiana LA, Maine ME, Maryland MD, "
    "Massachusetts MA, Michigan MI, Minnesota MN, Mississippi MS, Missouri MO, Montana MT, Nebraska NE, "
    "Nevada NV, New Hampshire NH, New Jersey NJ, New Mexico NM, New York NY, North Carolina NC, North Dakota "
    "ND, Northern Mariana Islands MP, Ohio OH, Oklahoma OK, Oregon OR, Pennsylvania PA, Puerto Rico PR, Rhode "
    "Island RI, South Carolina SC, South Dakota SD, Tennessee TN, Texas TX, Utah UT, Vermont VT, Virgin "
    "Islands VI, Virginia VA, Washington WA, West Virginia WV, Wisconsin WI, Wyoming WY"
)
#: Two letters by the name in lower case (the post's abbreviations, Publication 28).
STATES: Final = {name.lower(): code for name, _, code in (one.rpartition(" ") for one in _NAMES.split(", "))}
LONGEST: Final = max(map(len, STATES))


def abbreviate_state(text: str) -> str:
    """`missouri` and `mo` as `MO`; what is no state's name stays as it was typed, without blanks around it."""
    cleaned = " ".join(text.split())
    return STATES.get(cleaned.lower(), cleaned.upper() if len(cleaned) == 2 else cleaned)
