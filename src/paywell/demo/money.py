"""How the accounts paid in the months before today: through the real path, against the test processor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from uuid import UUID

from paywell.accounts.access import access_desk
from paywell.accounts.types import Permission
from paywell.billing.models import EntryKind, Method
from paywell.clients.access import access_portal
from paywell.clients.types import PortalViewer
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.demo import desk_work, processor
from paywell.demo.cast import Habit
from paywell.demo.people import Troupe
from paywell.demo.story import Scene, at
from paywell.ledger.models import LineBalance
from paywell.ledger.queries import get_open_lines
from paywell.payments.actions import check_attempt, refund_payment, start_payment
from paywell.payments.models import Attempt, AttemptState, ProcessorAccount, SavedCard
from paywell.payments.types import LINES_MAX, PayForm
from paywell.processors.contract import Style
from paywell.processors.registry import CONNECTORS

#: The wording by which the inline window asks to keep a card.
CONSENT = "save-card-1"
#: Of the payment days that a habit has, how many of the latest are left out.
_LEFT_OUT = {
    Habit.PAYS_ALL: 0,
    Habit.PAYS_LATE: 1,
    Habit.BEHIND: 2,
    Habit.PARTLY: 2,
    Habit.REFUNDED: 1,
    Habit.DECLINED: 3,
}
_SAVERS = ("Ada Brook", "Clara Wynn", "Ines Coral")


class Purse:
    """One payer's hands: pays for one account, with the cards that they have."""

    def __init__(self, troupe: Troupe, connected: ProcessorAccount, account_name: str) -> None:
        self.troupe = troupe
        self.connected = connected
        self.account = troupe.accounts[account_name]
        part = next(
            payer for payer in troupe.part.payers if any(grant.account == account_name for grant in payer.grants)
        )
        self.user = troupe.users[part.name]
        self.is_saver = part.name in _SAVERS
        self.number = processor.MASTERCARD if len(part.name) % 3 == 0 else processor.VISA

    def pay_open(self, notes: str = "") -> Attempt | None:
        """Everything that is owed, in one payment; None where nothing is."""
        lines = [row.line_id for row in self._open_lines()][:LINES_MAX]
        return self._pay(lines, notes=notes) if lines else None

    def pay_part(self) -> Attempt | None:
        """A third of the oldest service."""
        rows = self._open_lines()
        if not rows:
            return None
        return self._pay([rows[-1].line_id], amount=Money(rows[-1].balance_minor // 3, rows[-1].currency))

    def try_refused(self) -> Attempt | None:
        """The oldest service, with a card that is declined."""
        rows = self._open_lines()
        return self._pay([rows[-1].line_id], number=processor.NO_MONEY) if rows else None

    def keep_another(self) -> Attempt | None:
        """The oldest service with a new card of another brand, which is kept too."""
        rows = self._open_lines()
        return self._pay([rows[-1].line_id], number=processor.AMEX, save=True) if rows else None

    def _open_lines(self) -> list[LineBalance]:
        return list(get_open_lines(practice_id=self.account.practice_id, owner_id=self.account.id))

    def _pay(
        self,
        line_ids: list[UUID],
        *,
        amount: Money | None = None,
        number: str = "",
        save: bool | None = None,
        notes: str = "",
    ) -> Attempt:
        viewer = access_portal(self.user, self.account.id)
        saved = None if number else SavedCard.objects.filter(contact=viewer.contact, removed_at=None).first()
        save = self.is_saver and saved is None and not number if save is None else save
        form = PayForm(attempt_id=new_id(), line_ids=tuple(line_ids), amount=amount, notes=notes)
        number = number or self.number
        if CONNECTORS[self.connected.connector].style is Style.TWO_STEP:
            return self._pay_in_two_steps(viewer, form, number, saved, save=save)
        return start_payment(
            viewer=viewer,
            form=PayForm(
                attempt_id=form.attempt_id,
                line_ids=form.line_ids,
                amount=form.amount,
                notes=form.notes,
                saved_card_id=saved.id if saved else None,
                card_token="" if saved else processor.make_token(self.connected, number),
                consent_version=CONSENT if save else "",
            ),
        )

    def _pay_in_two_steps(
        self, viewer: PortalViewer, form: PayForm, number: str, saved: SavedCard | None, *, save: bool
    ) -> Attempt:
        attempt = start_payment(viewer=viewer, form=form)
        processor.fill_in_page(
            self.connected, attempt.step_url, number=number, saved=saved.token if saved else "", save=save
        )
        return check_attempt(attempt=attempt)


def payments(troupe: Troupe, connected: ProcessorAccount, today: date, first: date) -> Iterator[Scene]:
    """Each account by its habit, on a day of its own after an invoice came."""
    for number, (name, habit) in enumerate(troupe.part.habits.items()):
        purse = Purse(troupe, connected, name)
        days = _payment_days(first, today, number % 5)
        kept = days[:1] if habit is Habit.STOPPED else days[: len(days) - _LEFT_OUT.get(habit, len(days))]
        for order, day in enumerate(kept):
            yield Scene(at(troupe, day, 20, 3 * number), _expect(purse.pay_open, "Thank you" if order == 1 else ""))
        yield from _twists(troupe, purse, habit, today)
    yield from _specials(troupe, connected, today)


def _payment_days(first: date, today: date, delay: int) -> list[date]:
    """Once a month, `delay` days after the 18th; and yesterday, after the last invoice."""
    days = (first + timedelta(days=n) for n in range(20, (today - first).days - 10))
    return [*(day + timedelta(days=delay) for day in days if day.day == 18), today - timedelta(days=1)]


def _twists(troupe: Troupe, purse: Purse, habit: Habit, today: date) -> Iterator[Scene]:
    """What makes one habit another than paying."""
    if habit is Habit.PARTLY:
        yield Scene(at(troupe, today - timedelta(days=4), 21), _expect(purse.pay_part))
    if habit is Habit.DECLINED:
        yield Scene(
            at(troupe, today - timedelta(days=6), 21), _expect(purse.try_refused, state=AttemptState.DECLINED)
        )
    if habit is Habit.REFUNDED:
        yield Scene(at(troupe, today - timedelta(days=20), 11), lambda: _refund_part(troupe, purse))


def _specials(troupe: Troupe, connected: ProcessorAccount, today: date) -> Iterator[Scene]:
    for name in ("Ada Brook", "Clara Wynn"):
        if name in troupe.accounts:
            purse = Purse(troupe, connected, name)
            yield Scene(at(troupe, today - timedelta(days=5), 19), _expect(purse.keep_another))
    if "Lena Frost" in troupe.accounts:
        yield Scene(at(troupe, today - timedelta(days=10), 10), lambda: _credit(troupe, "Lena Frost"))
    yield from desk_work.by_hand(troupe, today)


def _credit(troupe: Troupe, name: str) -> None:
    """A check for a session that is still to come."""
    owed = sum(row.balance_minor for row in get_open_lines_of(troupe, name))
    desk_work.enter(troupe, name, EntryKind.PAYMENT, owed + 6_000, method=Method.CHECK, reference="2207")


def get_open_lines_of(troupe: Troupe, name: str) -> list[LineBalance]:
    account = troupe.accounts[name]
    return list(get_open_lines(practice_id=account.practice_id, owner_id=account.id))


def _refund_part(troupe: Troupe, purse: Purse) -> None:
    """Half of the account's latest payment goes back."""
    attempt = (
        Attempt.objects.filter(practice=troupe.practice, account=purse.account, state=AttemptState.SUCCEEDED)
        .order_by("-created_at")
        .first()
    )
    if attempt is not None:
        refund_payment(
            viewer=access_desk(troupe.biller, troupe.practice.slug, Permission.REFUND),
            attempt=attempt,
            amount=Money(attempt.captured_minor // 2, attempt.currency),
            reason="A session was covered by the insurer after all",
        )


def _expect(
    pay: Callable[..., Attempt | None], *arguments: str, state: AttemptState = AttemptState.SUCCEEDED
) -> Callable[[], None]:
    """The payment as a scene that must end in `state`, or a demonstration that tells a lie."""

    def act() -> None:
        attempt = pay(*arguments)
        if attempt is not None and attempt.state != state:
            raise RuntimeError(f"A payment of the demonstration is {attempt.state} and not {state}.")

    return act
