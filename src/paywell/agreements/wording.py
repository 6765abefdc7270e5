"""The words to which a payer agrees. Stored by version: an agreement is to one wording, and none is removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from paywell.agreements.models import AgreementKind

#: The version that is shown now, for each kind.
CURRENT: Final[Mapping[AgreementKind, str]] = {
    AgreementKind.STAFF: "staff-1",
    AgreementKind.AUTOPAY: "autopay-1",
    AgreementKind.PLAN: "plan-1",
}
WORDINGS: Final[Mapping[str, Promise]] = {
    "staff-1": _(
        "The practice may charge this card for what I owe on this account, each time at most the amount that I set "
        "here. I get a receipt for each charge, and I can end this at any time."
    ),
    "autopay-1": _(
        "What I owe on this account is charged to this card on the day it is due, each time at most the amount "
        "that I set here. I get a notice the day before and a receipt afterwards. I can hold or end this at any "
        "time."
    ),
    "plan-1": _(
        "The installments shown here are charged to this card on the days shown. I get a notice the day before "
        "and a receipt afterwards. I can hold or end this at any time; what is left is then due as before."
    ),
}
