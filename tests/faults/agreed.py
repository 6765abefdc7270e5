"""AutoPay and charges of a kept card by staff: who agrees, what the clock does with it, and what may go wrong.

The payer agrees on one day, is told of the charge, and is charged on the next from ten o'clock on. Around that hour
the same services are paid in the portal, charged by staff, voided, and the agreement is held or ended.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from paywell.core.money import Money

if TYPE_CHECKING:
    from tests.faults.history import History

#: How often the worker looks for announced charges while one is due, and otherwise (in the product more often).
CHARGE_S, IDLE_S, AFTERWARDS_S = 300.0, 6 * 3600.0, 3600.0
FROM_HOUR = 10
_CARDS = ("good-kept", "good-kept", "good-kept", "decline-kept", "slow-kept", "check-kept")

Cast = list[tuple[float, str, Callable[[], None]]]


def cast_autopay(history: History, cast: Cast) -> None:
    """Add who agrees, and whoever comes in the way around the hour of the charge."""
    draw, family = history.random, history.world.households[0]
    payer = family.payers[0]
    limit = Money(draw.choice((5000, 12000, 20000, 50000)))
    token = f"{draw.choice(_CARDS)}-{draw.randrange(10**6)}"
    cast.append((draw.uniform(0, 20), f"payer {payer.name} agrees", lambda: _agree(history, token, limit)))
    at = _seconds_until_charges(history)
    near = (-600.0, -1.0, 0.0, 0.2, 1.0, 30.0, 400.0)
    if history.plan.ends_while_charged:
        cast.append((60.0, "staff charge", lambda: _charge_by_staff(history)))
        cast.append((60.0 + draw.uniform(0.0, 0.1), "payer ends", lambda: _stop(history, is_end=True)))
    elif draw.random() < 0.5:
        after = at + draw.choice(near)
        cast.append((after, "payer ends", lambda: _stop(history, is_end=draw.random() < 0.6)))
    for _ in range(draw.choice((0, 1, 2))):
        after = at + draw.choice(near)
        cast.append((after, "staff charge", lambda: _charge_by_staff(history)))
    cast.append((at + 3600, "the next day", lambda: None))


def hour_of_charges(history: History) -> float:
    """Seconds of the history around which a payer may visit, so as to meet the charge."""
    return _seconds_until_charges(history) + history.random.choice((-30.0, 0.0, 0.1, 2.0, 60.0))


def keep_charging(history: History) -> None:
    """What `paywell worker` does for agreements by the clock."""
    from paywell.agreements import jobs

    while True:
        live = _count_due(history)
        until = _seconds_until_charges(history) - history.loop.now
        if not live:
            _run(history, jobs.announce.func, "announce")
        _run(history, jobs.charge.func, "charge")
        soon = until if until > 0 else AFTERWARDS_S
        history.loop.pause(CHARGE_S if _count_due(history) and until <= 0 else min(IDLE_S, soon))


def _run(history: History, job: Callable[[], Any], name: str) -> None:
    try:
        history.say(f"begins {name}")
        job()
    except Exception as error:  # logged and done again, as in the product's worker
        history.say(f"{name} failed: {error!r}")
        history.surprise(error, name)


def _count_due(history: History) -> int:
    today = _day(history.now())
    rows = history.database.fetch(
        "SELECT COUNT(*) FROM agreements_charge"
        f" WHERE state = 'running' OR (state = 'planned' AND due_on <= '{today}')"
    )
    return int(rows[0][0])


def judge_agreements(history: History) -> list[str]:
    """By the tables alone: what was charged is what was agreed to, announced, and concluded."""
    fetch = history.database.fetch
    found = [f"charge {id_} is still under way" for (id_,) in fetch(
        "SELECT id FROM agreements_charge WHERE state = 'running'"
    )]  # fmt: skip
    tries = fetch(
        "SELECT c.id, c.state, c.created_at, c.amount_minor, g.kind, g.ended_at, g.charge_limit_minor, a.state,"
        " a.created_at, a.amount_minor FROM agreements_chargetry t JOIN agreements_charge c ON c.id = t.charge_id"
        " JOIN agreements_agreement g ON g.id = c.agreement_id JOIN payments_attempt a ON a.id = t.attempt_id"
        " ORDER BY t.at, t.id"
    )
    paid = {charge for charge, *_rest, state, _at, _minor in tries if state == "succeeded"}
    for charge, state in fetch("SELECT id, state FROM agreements_charge"):
        if (state == "done") != (charge in paid):
            found.append(f"charge {charge} is {state}, and was{'' if charge in paid else ' not'} paid")
    for charge, _state, planned_at, amount, kind, ended_at, limit, _attempt, tried_at, minor in tries:
        if ended_at is not None and str(tried_at) > str(ended_at):
            found.append(f"charge {charge} was tried after its agreement was ended")
        if minor > min(amount, limit):
            found.append(f"charge {charge} took more than was announced or agreed to")
        if kind == "autopay" and _day(planned_at) >= _day(tried_at):
            found.append(f"charge {charge} was not announced the day before")
    return found


def _agree(history: History, token: str, limit: Money) -> None:
    from paywell.agreements.agree import make_agreement
    from paywell.agreements.models import AgreementKind
    from paywell.payments.models import SavedCard

    world, draw = history.world, history.random
    viewer = world.households[0].payers[0].viewer

    def agree() -> None:
        card, _new = SavedCard.objects.get_or_create(
            practice=world.practice, contact=viewer.contact, processor_account=world.processor_account,
            token=token, defaults={
                "customer_ref": "cus_kept", "brand": "Visa", "last4": "4242", "exp_month": 4, "exp_year": 2031,
                "created_at": history.now(),
            },
        )  # fmt: skip
        for kind in (AgreementKind.AUTOPAY, AgreementKind.STAFF):
            make_agreement(
                viewer=viewer, kind=kind, card_id=card.id, charge_limit=limit, includes_old=True, is_agreed=True
            )

    for _ in range(draw.choice((1, 1, 2))):
        _ask(history, agree, f"agree {limit}")


def _stop(history: History, *, is_end: bool) -> None:
    from paywell.agreements.agree import end_agreement, hold_agreement
    from paywell.agreements.models import Agreement

    viewer = history.world.households[0].payers[0].viewer

    def stop() -> None:
        for agreement in Agreement.objects.filter(ended_at=None).order_by("id"):
            if is_end:
                end_agreement(viewer=viewer, agreement=agreement)
            else:
                hold_agreement(viewer=viewer, agreement=agreement, is_held=True)

    _ask(history, stop, "end" if is_end else "hold")


def _charge_by_staff(history: History) -> None:
    from paywell.agreements.charging import charge_saved_card
    from paywell.agreements.models import Agreement, AgreementKind

    draw, staff = history.random, history.world.staff
    key, amount = f"desk:{draw.randrange(3)}", Money(draw.choice((1000, 5000, 12000)))

    def charge() -> Any:
        agreement = Agreement.objects.filter(kind=AgreementKind.STAFF).order_by("-agreed_at").first()
        return agreement and charge_saved_card(viewer=staff, agreement=agreement, amount=amount, key=key)

    for _ in range(draw.choice((1, 1, 2))):
        _ask(history, charge, "charge")


def _ask(history: History, work: Callable[[], Any], name: str) -> None:
    try:
        history.request(work, name)
    except Exception as error:  # an error page
        history.say(f"{name}: {getattr(error, 'code', type(error).__name__)}")


def _seconds_until_charges(history: History) -> float:
    """From the history's beginning to the hour of the next day from which charges are made, by our clock."""
    from tests.faults.ports import EPOCH

    zone = ZoneInfo(history.world.practice.timezone)
    local = (EPOCH + history.skew).astimezone(zone)
    day = local.date() + timedelta(days=1)
    begins = datetime(day.year, day.month, day.day, FROM_HOUR, tzinfo=zone)
    return (begins - EPOCH - history.skew).total_seconds()


def _day(moment: object) -> str:
    """The practice's day of a moment as the table has it."""
    at = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment))
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at.astimezone(ZoneInfo("America/New_York")).date().isoformat()
