"""The list of all laws, in their order."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from paywell.books.checks.agreements import AGREEMENTS
from paywell.books.checks.attempts import CONSENT, FORWARD, MOVES_ON, ONE_CHARGE
from paywell.books.checks.disputes import DISPUTES
from paywell.books.checks.entries import ENTRIES
from paywell.books.checks.ledger import BALANCED, CASH, DERIVED, GROWS, ONCE
from paywell.books.checks.outside import RECEIPTS
from paywell.books.checks.refunds import REFUNDS
from paywell.books.types import Law

LAWS: Final[tuple[Law, ...]] = (
    BALANCED,
    CASH,
    ONCE,
    REFUNDS,
    MOVES_ON,
    RECEIPTS,
    ONE_CHARGE,
    replace(CONSENT, questions=(*CONSENT.questions, *AGREEMENTS)),
    DISPUTES,
    GROWS,
    replace(DERIVED, questions=(*DERIVED.questions, *ENTRIES)),
    FORWARD,
)
TITLES: Final[dict[int, str]] = {law.number: law.title for law in LAWS}
