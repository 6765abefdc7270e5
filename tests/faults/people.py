"""The people of a history: payers, staff, and those who act at the processor. They live outside our process."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from paywell.core.errors import PaywellError, UserError
from paywell.core.money import Money
from paywell.payments.types import PayForm
from tests.faults.agreed import cast_autopay, hour_of_charges
from tests.faults.loop import Task
from tests.faults.processor import Charge, Kind

if TYPE_CHECKING:
    from tests.faults.history import History
    from tests.faults.world import Household, Payer

OPEN = ("created", "awaiting_action", "submitting", "processing", "unknown", "in_review")
#: An outage after which the schedule of look-ups is over (`schedule.GIVE_UP_AFTER`).
OUTLASTING_S = 76 * 3600.0
REFUSED_FOR_GOOD = {"already_paid", "voided", "too_many_declines", "payments_closed", "amount_above_balance"}


def send_people(history: History) -> list[Task]:
    """Everybody whom the plan's profile wants, each at their own time."""
    draw, plan = history.random, history.plan
    family, neighbor = history.world.households
    cast: list[tuple[float, str, Callable[[], None]]] = []

    def payer(household: Household, which: int, lines: Sequence[int], **habits: Any) -> None:
        person = household.payers[which]
        chosen = [household.lines[number].id for number in lines]
        visit = Visit(history, person, chosen, **habits)
        cast.append((draw.uniform(0, 30), f"payer {person.name}", visit.pay))

    profile = plan.profile
    clicks = draw.choice((1, 1, 2, 3)) if profile != "clicks" else draw.choice((2, 3))
    wanted = draw.choice(([0], [0], [1, 2], [3], [0, 1, 2]))
    payer(family, 0, wanted, clicks=clicks, tabs=2 if profile == "clicks" or draw.random() < 0.15 else 1)
    if profile == "family" or draw.random() < 0.25:
        payer(family, 1, draw.choice((wanted, wanted[:1], [0], [1, 2])))
    if draw.random() < 0.15 or profile == "mixup":
        payer(neighbor, 0, [0], clicks=draw.choice((1, 2)))
    desk = Desk(history)
    if profile == "void" or draw.random() < 0.1:
        which = draw.randrange(3)
        cast.append((draw.uniform(0, 60), "staff void", lambda: desk.void(family.invoices[which])))
        if draw.random() < 0.5:
            cast.append((draw.uniform(0, 90), "staff edit", lambda: desk.edit(family.invoices[which])))
    if (profile == "void" and draw.random() < 0.6) or draw.random() < 0.05:
        cast.append((draw.uniform(0, 60), "staff cancel", desk.cancel))
    if profile == "refund" or draw.random() < 0.12:
        at = draw.uniform(20, 200)  # several clerks, often at the same moment
        for clerk in range(draw.choice((1, 2, 3))):
            cast.append((at + draw.choice((0.0, 0.01, 30.0)), f"staff refund {clerk + 1}", desk.refund))
    if profile in ("refund", "dispute") or draw.random() < 0.08:
        cast.append((draw.uniform(30, 400), "dashboard", lambda: act_at_processor(history, profile)))
    if profile == "restore":
        cast.append((draw.uniform(0, 60), "operator", lambda: restore(history)))
    if profile == "outage":
        begins = draw.uniform(0, 20) + (14 if plan.outlasts else 0)
        cast.append((begins, "outage", lambda: outage(history)))
    if profile == "autopay":
        cast[0] = (hour_of_charges(history), *cast[0][1:]) if draw.random() < 0.6 else cast[0]
        cast_autopay(history, cast)
    draw.shuffle(cast)
    return [history.loop.spawn(work, name, after=after) for after, name, work in cast]


class Visit:
    """One payer at the portal: presses, sees an answer, goes to the bank's page, comes back, tries again."""

    def __init__(
        self, history: History, payer: Payer, line_ids: Sequence[UUID], *, clicks: int = 1, tabs: int = 1
    ) -> None:
        self.history, self.payer, self.line_ids = history, payer, list(line_ids)
        self.clicks, self.tabs = clicks, tabs
        self.draw = random.Random(history.random.random())

    def pay(self) -> None:
        """Up to three tries; then they give up and go."""
        draw, loop = self.draw, self.history.loop
        form = self.new_form()
        for _ in range(draw.choice((1, 2, 3))):
            answers = self.press(form)
            attempts = [each for each in answers if not isinstance(each, Exception)]
            refusals = [each.code for each in answers if isinstance(each, UserError)]
            if attempts:
                state = self.follow(attempts[-1])
                if state == "succeeded":
                    if len(self.line_ids) == 1 and draw.random() < 0.3:
                        form = self.new_form()  # there may be something left to pay
                        continue
                    return
                if state in OPEN and draw.random() < 0.5:
                    return
            if any(code in REFUSED_FOR_GOOD for code in refusals):
                return
            loop.pause(draw.uniform(0.5, 120))
            # Reload and press again, or start over. "Don't pay again" is what not everybody reads.
            if attempts or draw.random() < 0.5:
                form = self.new_form()

    def new_form(self) -> PayForm:
        from paywell.core.ids import new_id
        from paywell.payments.consent import CONSENT_VERSION

        draw, kind = self.draw, self.history.plan.kind
        profile = self.history.plan.profile
        usual: tuple[str, ...] = ("good", "good", "good", "decline", "check", "slow")
        if profile == "mixup":
            usual = ("good", "good", "short")
        does = draw.choice(("check", "slow", "slow", "good") if profile == "late" else usual)
        keeps = kind is not Kind.H and draw.random() < (0.6 if profile == "cards" else 0.1)
        amount = None
        if len(self.line_ids) == 1 and draw.random() < 0.25:
            amount = Money(draw.choice((1000, 2501, 4000)))
        self.history.loop.pause(draw.uniform(0, 3))
        return PayForm(
            new_id(), tuple(self.line_ids), amount, card_token=f"{does}-{draw.randrange(10**6)}",
            consent_version=CONSENT_VERSION if keeps else "",
        )  # fmt: skip

    def press(self, form: PayForm) -> list[Any]:
        """Press once or more, in one tab or two; what came back, in the order of the presses."""
        from paywell.payments.actions import start_payment

        history, draw, viewer = self.history, self.draw, self.payer.viewer
        if history.loop.now < history.down_until:
            return [ConnectionError()]
        forms = [form] * self.clicks
        if self.tabs > 1:
            forms.append(self.new_form())
        started = []
        for number, each in enumerate(forms):
            again = each if number == 0 else replace(each, card_token=each.card_token + "x")
            if number and draw.random() < 0.15 and len(each.line_ids) == 1 and each.amount is None:
                again = replace(again, amount=Money(1500))  # changed their mind in a page that was sent already

            def send(sent: PayForm = again) -> Any:
                return start_payment(viewer=viewer, form=sent)

            started.append((again, history.spawn_request(send, f"pay {self.payer.name}")))
            history.loop.pause(draw.choice((0.0, 0.05, 0.3, 2.0)))
        answers = []
        for sent, task in started:
            if draw.random() < 0.06:
                answers.append(TimeoutError())  # closed the browser; the request goes on
                continue
            history.loop.wait_for(task)
            answers.append(self.read(task))
            if not isinstance(answers[-1], Exception):
                history.asked.append((answers[-1].id, sent))
        return answers

    def read(self, task: Task) -> Any:
        try:
            attempt = self.history.answer_of(task)
        except Exception as error:  # an error page, whatever is on it
            self.history.say(f"reads {getattr(error, 'code', type(error).__name__)}")
            return error
        self.tell(attempt)
        return attempt

    def tell(self, attempt: Any) -> None:
        self.history.say(f"reads {attempt.state}")
        self.history.told.append((attempt.id, str(attempt.state)))
        self.history.result.seen.add(f"told {attempt.state}")

    def follow(self, attempt: Any) -> str:
        """Go where it sends them, come back or not, and look at its page a few times."""
        from paywell.payments.actions import cancel_attempt, check_attempt, return_from_processor
        from paywell.payments.models import Attempt
        from paywell.payments.orders import sign_return

        history, draw = self.history, self.draw
        if attempt.step_url and attempt.state == "awaiting_action":
            if draw.random() < 0.08:
                self.ask(lambda: cancel_attempt(viewer=self.payer.viewer, attempt=attempt), "cancel")
            self.at_the_page(attempt.step_url.rpartition("/")[2])
            if history.plan.has_returns and draw.random() < 0.7:
                signature = sign_return(attempt) if draw.random() > 0.05 else "forged"
                for _ in range(draw.choice((1, 1, 2))):
                    taken = self.ask(
                        lambda: return_from_processor(attempt_id=attempt.id, signature=signature), "return"
                    )
                    history.forged_returns += signature == "forged" and taken is not None
        state = str(attempt.state)
        for _ in range(draw.choice((0, 1, 2, 4))):
            if state not in OPEN:
                break
            history.loop.pause(draw.choice((1.0, 4.0, 30.0)))
            found = self.ask(lambda: check_attempt(attempt=Attempt.objects.get(pk=attempt.id)), "look")
            if found is not None:
                self.tell(found)
                state = str(found.state)
        return state

    def ask(self, work: Callable[[], Any], name: str) -> Any:
        try:
            return self.history.request(work, f"{name} {self.payer.name}")
        except Exception as error:  # an error page
            self.history.say(f"{name}: {getattr(error, 'code', type(error).__name__)}")
            return None

    def at_the_page(self, charge_ref: str) -> None:
        """The processor's page, or the bank's check: they pay, fail, dawdle, or leave it."""
        history, draw = self.history, self.draw
        late = history.plan.profile == "late"
        history.loop.pause(draw.choice((5.0, 40.0, 1700.0, 1790.0, 1850.0) if late else (5.0, 20.0, 60.0, 400.0)))
        charge = history.bank.charges.get(charge_ref)
        does = draw.choice(("good", "good", "good", "good", "decline", "slow", "leave", "twice"))
        if charge is None or does == "leave":
            return
        history.say(f"at the processor's page: {does}")
        if does == "twice":  # on the phone and on the desktop
            history.call_later(draw.uniform(0, 5), lambda: history.bank.pay(charge, "good-page"))
        history.bank.pay(charge, "good-page" if does == "twice" else f"{does}-page")
        if does == "decline" and history.plan.kind is Kind.H and draw.random() < 0.5:
            history.loop.pause(10)
            history.bank.pay(charge, "good-other")


def end_what_is_slow(history: History, charge: Charge, what: str) -> None:
    """What is pending at the processor ends there some time; some refunds come back later."""
    draw = history.bank_random
    if what == "pending":
        is_paid = draw.random() < 0.7
        history.call_later(draw.choice((20.0, 300.0, 4000.0)), lambda: history.bank.finish(charge, is_paid=is_paid))
    if what != "refund":
        return
    refund = charge.refunds[-1]
    if refund.status == "pending":
        ends = draw.choice(("done", "done", "failed"))
        history.call_later(
            draw.choice((20.0, 300.0, 4000.0)), lambda: history.bank.end_refund(charge, refund, ends)
        )
    elif refund.status == "done" and draw.random() < 0.1:
        history.call_later(draw.choice((300.0, 4000.0)), lambda: history.bank.end_refund(charge, refund, "failed"))


def restore(history: History) -> None:
    """The database is lost, and put back as a backup had it; the product's own runbook brings it to the truth."""
    from paywell.payments import restoring

    loop = history.loop
    backup_at = history.now()
    history.say("a backup is made")
    history.database.back_up()
    loop.pause(history.random.choice((2.0, 10.0, 30.0, 120.0, 900.0)))
    history.lose_database()
    loop.pause(1.0)

    def reconcile() -> Any:
        return restoring.reconcile_after_restore(
            backup_at=backup_at, wait=lambda time: loop.pause(time.total_seconds())
        )

    while True:  # the operator runs it again until it gives a whole answer
        task = loop.spawn(reconcile, "operator restores", inside=True)
        loop.wait_for(task)
        if task.error is None and not task.result.unasked:
            break
        if isinstance(task.error, Exception):
            history.surprise(task.error, "restore")
        history.say(f"the restore is not whole yet: {task.error or task.result.unasked}")
        loop.pause(120)
    history.say("open again")
    history.open_again()
    if history.plan.pays_again:
        household = history.world.households[0]
        wanted = [line.id for line in household.lines[: history.random.choice((1, 3))]]
        loop.pause(history.random.uniform(0, 60))
        Visit(history, history.random.choice(household.payers), wanted).pay()


def decide_reviews(history: History) -> None:
    """What only a person can close, a person closes: the money is this payment's, or none moved."""
    from paywell.payments.decisions import Decision, decide_review
    from paywell.payments.models import Review

    def decide(review: Any) -> None:
        told = None
        for decision in (Decision.ACCEPT, Decision.NOTHING_MOVED):
            try:
                decide_review(viewer=history.world.staff, review=review, decision=decision, note="looked")
                return
            except UserError as error:
                told = error
                history.say(f"staff decides {decision}: {error.code}")
        if isinstance(told, UserError) and told.code == "money_moved":
            _end_dispute(history, review.attempt.processor_ref)
            _give_back(history, review.attempt.processor_ref)
            decide_review(
                viewer=history.world.staff, review=review, decision=Decision.NOTHING_MOVED, note="refunded"
            )

    def ask_again(review: Any) -> None:
        try:
            decide_review(viewer=history.world.staff, review=review, decision=Decision.ASK_AGAIN, note="asked")
        except UserError as error:
            history.say(f"staff asks again: {error.code}")

    waiting = Review.objects.filter(closed_at=None).order_by("opened_at")
    asked = [(each, decide) for each in waiting.filter(attempt__state="in_review")]
    asked += [(each, ask_again) for each in waiting.filter(kind="refund_given_up")]
    for review, work in asked:
        history.loop.spawn(lambda do=work, each=review: do(each), "staff decides", inside=True)  # type: ignore[misc]
        history.loop.run(until=history.loop.now + 30)


def _end_dispute(history: History, charge_ref: str) -> None:
    """As long as one is open nothing can be refunded: the person waits for the bank's word."""
    charge = history.bank.charges[charge_ref]
    for dispute in charge.disputes:
        history.bank.end_dispute(charge, dispute, "lost")


def _give_back(history: History, charge_ref: str) -> None:
    """What is left of the charge, in the processor's own pages, as the message says."""
    charge = history.bank.charges[charge_ref]
    left = (
        charge.captured - charge.withheld - sum(each.amount for each in charge.refunds if each.status != "failed")
    )
    if left > 0:
        history.say(f"at the processor: the rest of {charge_ref} goes back")
        history.bank.refund(charge_ref, "", left)


class Desk:
    """Staff of the practice."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.draw = random.Random(history.random.random())

    def ask(self, work: Callable[[], Any], name: str) -> Any:
        try:
            return self.history.request(work, f"staff {name}")
        except Exception as error:  # an error page
            self.history.say(f"staff {name}: {getattr(error, 'code', type(error).__name__)}")
            if not isinstance(error, PaywellError):
                self.history.result.seen.add(f"staff error {type(error).__name__}")
            return None

    def void(self, invoice: Any) -> Any:
        from paywell.invoicing.actions import void_invoice

        return self.ask(lambda: void_invoice(invoice=invoice, reason="wrong", actor_id=None), "void")

    def edit(self, invoice: Any) -> None:
        """A fee was wrong: void the invoice, record the service anew, issue another invoice."""
        from paywell.invoicing.actions import issue_invoice, void_invoice
        from paywell.invoicing.models import InvoiceLine

        def change() -> None:
            lines = InvoiceLine.objects.filter(invoice=invoice).select_related("service").order_by("position")
            services = [line.service for line in lines]
            void_invoice(invoice=invoice, reason="wrong fee", actor_id=None)
            issue_invoice(
                practice=self.history.world.practice, account=invoice.account, services=services, actor_id=None
            )

        self.ask(change, "edit")

    def cancel(self) -> None:
        from paywell.payments.actions import cancel_attempt
        from paywell.payments.models import Attempt

        def stop() -> Any:
            attempt = Attempt.objects.filter(state__in=OPEN[:5]).order_by("-created_at").first()
            return cancel_attempt(viewer=self.history.world.staff, attempt=attempt) if attempt else None

        self.ask(stop, "cancel")

    def refund(self) -> None:
        """Some of it, all of it, or the same part twice."""
        from paywell.payments.actions import refund_payment
        from paywell.payments.models import Attempt

        draw = self.draw
        for _ in range(8):  # until something is paid
            paid = self.ask(lambda: list(Attempt.objects.filter(state="succeeded").order_by("id")), "list")
            if paid:
                break
            self.history.loop.pause(60)
        else:
            return
        attempt = draw.choice(paid)
        whole = attempt.captured_minor
        part = draw.choice((whole, whole * 6 // 10, whole * 6 // 10, 1000, 1001))
        for _ in range(draw.choice((1, 1, 2))):
            self.ask(
                lambda: refund_payment(
                    viewer=self.history.world.staff, attempt=attempt, amount=Money(part), reason="asked"
                ),
                "refund",
            )


def act_at_processor(history: History, profile: str) -> None:
    """Somebody refunds in the processor's own pages, or the payer's bank opens a dispute."""
    draw, bank = history.random, history.bank
    for _ in range(10):
        paid = [charge for charge in bank.charges.values() if charge.status == "paid"]
        if paid:
            break
        history.loop.pause(60)
    else:
        return
    charge = draw.choice(paid)
    if profile == "refund" or draw.random() < 0.4:
        left = (
            charge.captured
            - charge.withheld
            - sum(each.amount for each in charge.refunds if each.status != "failed")
        )
        if left > 0:
            history.say(f"at the processor: refund of {charge.ref}")
            bank.refund(charge.ref, "", draw.choice((left, max(1, left // 2))), is_slow=draw.random() < 0.3)
    if profile == "dispute" or draw.random() < 0.4:
        made = bank.dispute(charge)
        if made is not None:
            history.loop.pause(draw.choice((1.0, 60.0, 900.0)))
            ends = draw.choice(("won", "lost", ""))
            if ends:
                bank.end_dispute(charge, made, ends)


def outage(history: History) -> None:
    """The processor is not there for a while."""
    history.say("the processor is down")
    history.network.is_down = True
    usual_s = history.random.choice((30.0, 300.0, 2400.0))
    history.loop.pause(OUTLASTING_S if history.plan.outlasts else usual_s)
    history.network.is_down = False
    history.say("the processor is back")
