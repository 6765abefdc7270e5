"""What can keep an agreement or a charge from being made, in words. Codes are named in tests."""

from __future__ import annotations

from paywell.core.errors import UserError
from paywell.core.money import Money


def not_agreed() -> UserError:
    return UserError("Tick that you agree. Nothing is charged without it.", code="not_agreed", field="agree")


def card_missing() -> UserError:
    return UserError("Choose one of your saved cards that has not expired.", code="card_missing", field="card")


def limit_invalid() -> UserError:
    return UserError("Enter a limit that is more than zero.", code="limit_invalid", field="limit")


def month_below_charge() -> UserError:
    return UserError(
        "The limit for a month is below the limit for one charge. Raise it, or lower the other.",
        code="month_below_charge",
        field="month_limit",
    )


def no_right() -> UserError:
    return UserError("Paying is not part of your access. Please reach out to the practice.", code="no_right")


def busy() -> UserError:
    return UserError("This was just changed elsewhere. Look at it again.", code="busy")


def over() -> UserError:
    return UserError("This was ended already.", code="over")


def held_by_payer() -> UserError:
    return UserError("The payer put this on hold. Only they can let it go on.", code="held_by_payer")


def plan_over() -> UserError:
    return UserError("The practice has withdrawn this plan.", code="plan_over")


def plan_begun() -> UserError:
    return plan_invalid("Choose a first day after today, so that the payer can agree before.", "first_on")


def plan_invalid(why: str, field: str) -> UserError:
    return UserError(why, code="plan_invalid", field=field)


def above_limit(limit: Money) -> UserError:
    return UserError(f"The payer agreed to at most {limit} for one charge.", code="above_limit", field="amount")


def above_month_limit(left: Money) -> UserError:
    return UserError(
        f"The payer agreed to a limit for the month, and {left} of it is left.",
        code="above_month_limit",
        field="amount",
    )


def above_chargeable(most: Money) -> UserError:
    return UserError(
        f"At most {most} of what is owed there can be charged now.", code="above_chargeable", field="amount"
    )


def nothing_to_charge() -> UserError:
    return UserError("Nothing is owed that can be charged.", code="nothing_to_charge")


def not_chargeable(why: str) -> UserError:
    return UserError(why, code="not_chargeable")
