"""What must be true when a history is over: the laws of the books, and what the processor and the people saw.

Knows the tables, the processor's own records and what people were told; nothing of the code that wrote them.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests.faults.agreed import judge_agreements
from tests.faults.processor import Kind

if TYPE_CHECKING:
    from tests.faults.history import History

_OPEN = "('created', 'awaiting_action', 'submitting', 'processing', 'unknown')"
_UNPAID = ("declined", "failed", "canceled", "expired")
#: Reviews that say that money is where it should not be. None of them may ever be opened where a fence exists.
ASTRAY = (
    "late_success", "second_charge", "unmatched_charge", "other_reference", "other_currency", "other_mode",
    "incomplete", "amount_differs", "capture_changed", "surplus", "contradiction", "given_up",
    "refund_above_captured", "refund_amount_differs", "refund_done_after_all", "refund_given_up",
    "refund_contradiction",
)  # fmt: skip


def judge(history: History) -> list[str]:
    """Every violation, in words."""
    return [
        *_books(history),
        *_stuck(history),
        *_charged_twice(history),
        *_charged_for_void(history),
        *_told_wrong(history),
        *_told_other(history),
        *_cents(history),
        *_alive(history),
        *_mails(history),
        *_reviews(history),
        *_guards(history),
        *judge_agreements(history),
    ]


def _books(history: History) -> list[str]:
    from paywell.books.check import check_books

    report = check_books(with_processor=True)
    offences = report.offences
    if history.plan.kind is Kind.O and history.plan.is_later:  # paid twice, as credit: the alarm must be heard
        offences = [each for each in offences if each.law != 3]
    found = [f"law {each.law}: {each.what} {each.id}" for each in offences]
    return found + [f"the processor gave no whole answer: {each}" for each in report.unasked]


def _stuck(history: History) -> list[str]:
    fetch = history.database.fetch
    stuck = [f"payment {id_} is still {state}" for id_, state in fetch(
        f"SELECT id, state FROM payments_attempt WHERE state IN {_OPEN} OR state = 'in_review'"
    )]  # fmt: skip
    stuck += [f"line {line} is still claimed" for (line,) in fetch("SELECT line_id FROM payments_claim")]
    stuck += [f"refund {id_} is still {state}" for id_, state in fetch(
        "SELECT id, state FROM payments_refund WHERE state IN ('sending', 'pending', 'in_review')"
    )]  # fmt: skip
    history.result.attempts = fetch("SELECT COUNT(*) FROM payments_attempt")[0][0]
    return stuck


def _lines(history: History) -> dict[str, tuple[str, int, object]]:
    """Each invoice line: its service, its amount, when it was voided."""
    rows = history.database.fetch("SELECT id, service_id, amount_minor, voided_at FROM invoicing_invoiceline")
    return {str(id_).replace("-", ""): (str(service), amount, voided) for id_, service, amount, voided in rows}


def _charged_twice(history: History) -> list[str]:
    """By the processor's records: what it kept for a service, beyond what the service costs.

    Money of a refund that failed after the service was paid again counts as kept unless it is the account's credit.
    """
    if history.plan.kind is Kind.O and history.plan.is_later:
        return []
    lines, credited = _lines(history), _credited(history)
    kept: Counter[str] = Counter()
    back: Counter[str] = Counter()
    for charge in history.bank.charges.values():
        if charge.status != "paid" or charge.refunded >= charge.captured:
            continue
        for line, amount in history.journal.get(charge.reference, {}).items():
            if line not in lines:
                continue  # issued after the backup that was put back
            service = lines[line][0]
            kept[service] += amount
            back[service] += charge.refunded + credited.get(charge.reference, 0)
    costs = {service: amount for service, amount, _voided in lines.values()}
    return [
        f"service {service} was charged {kept[service]} and costs {costs.get(service)}"
        for service in kept
        if kept[service] - back[service] > costs.get(service, 0)
    ]


def _credited(history: History) -> dict[str, int]:
    """Of each of our references: what came back of its failed refunds and stands as credit, by the ledger."""
    rows = history.database.fetch(
        "SELECT t.source, t.amount_minor FROM ledger_transfer t JOIN ledger_ledgeraccount c ON c.id = t.credit_id"
        " JOIN ledger_transfer r ON r.id = t.reverses_id JOIN ledger_ledgeraccount d ON d.id = r.debit_id"
        " WHERE t.source LIKE 'refund_failed:%' AND c.kind = 'client_credit' AND d.kind = 'receivable'"
    )
    attempts = {
        str(id_).replace("-", ""): reference
        for id_, reference in history.database.fetch(
            "SELECT r.id, a.reference FROM payments_refund r JOIN payments_attempt a ON a.id = r.attempt_id"
        )
    }
    found: Counter[str] = Counter()
    for source, amount in rows:
        found[attempts[source.partition(":")[2].replace("-", "")]] += amount
    return dict(found)


def _charged_for_void(history: History) -> list[str]:
    """What is the account's credit since its refund failed after the line was voided is no charge for it."""
    if history.plan.kind is Kind.O and history.plan.is_later:
        return []
    lines, credited = _lines(history), _credited(history)
    found = []
    for charge in history.bank.charges.values():
        if charge.status != "paid" or charge.refunded >= charge.captured:
            continue
        paid_for = history.journal.get(charge.reference, {})
        void = {line: amount for line, amount in paid_for.items() if line in lines and lines[line][2] is not None}
        if sum(void.values()) > credited.get(charge.reference, 0):
            found += [f"{charge.ref} was paid for line {line}, which is void" for line in void]
    return found


def _told_wrong(history: History) -> list[str]:
    """Nobody who read "not paid" was charged; nobody who read "paid" was not."""
    rows = history.database.fetch("SELECT id, reference FROM payments_attempt")
    references = {str(id_).replace("-", ""): reference for id_, reference in rows}
    paid = {charge.reference for charge in history.bank.charges.values() if charge.status == "paid"}
    wrong = []
    for attempt_id, state in history.told:
        reference = references.get(attempt_id.hex)
        if reference is None:
            continue
        if state in _UNPAID and reference in paid and not (history.plan.kind is Kind.O and history.plan.is_later):
            wrong.append(f"a payer read {state} of payment {attempt_id}, and it was charged")
        if state == "succeeded" and reference not in paid:
            wrong.append(f"a payer read that payment {attempt_id} is paid, and it was not charged")
    return wrong


def _told_other(history: History) -> list[str]:
    """Whoever sent a form was answered about what it said."""
    fetch = history.database.fetch
    lines: dict[str, set[str]] = {}
    for attempt, line in fetch("SELECT attempt_id, line_id FROM payments_attemptline"):
        lines.setdefault(str(attempt).replace("-", ""), set()).add(str(line).replace("-", ""))
    amounts = {
        str(id_).replace("-", ""): amount for id_, amount in fetch("SELECT id, amount_minor FROM payments_attempt")
    }
    return [
        f"a form was answered with payment {attempt_id}, which is for something else"
        for attempt_id, form in history.asked
        if attempt_id.hex in lines
        and (
            lines[attempt_id.hex] != {line.hex for line in form.line_ids}
            or (form.amount is not None and form.amount.minor != amounts[attempt_id.hex])
        )
    ]


def _cents(history: History) -> list[str]:
    """The whole clearing account against everything that the processor holds."""
    (total,) = history.database.fetch(
        "SELECT COALESCE(SUM(CASE WHEN d.kind = 'clearing' THEN t.amount_minor ELSE 0 END)"
        " - SUM(CASE WHEN c.kind = 'clearing' THEN t.amount_minor ELSE 0 END), 0) FROM ledger_transfer t"
        " JOIN ledger_ledgeraccount d ON d.id = t.debit_id JOIN ledger_ledgeraccount c ON c.id = t.credit_id"
    )[0]
    holds = history.bank.holds
    return [] if total == holds else [f"the ledger has {total} at the processor, which holds {holds}"]


def _alive(history: History) -> list[str]:
    """Nothing that could take money is left lying at the processor."""
    if not history.plan.has_sweep:
        return []
    return [
        f"{charge.ref} is still {charge.status} at the processor"
        for charge in history.bank.charges.values()
        if charge.status in ("reserved", "action", "pending")
        and (history.bank_now() - charge.changed_at).total_seconds() > 2.6 * 3600
    ]


def _mails(history: History) -> list[str]:
    """Whoever paid hears of it once; more often only where a sender died or stood still."""
    rows = history.database.fetch("SELECT COUNT(*) FROM payments_attempt WHERE state = 'succeeded'")
    succeeded = rows[0][0]
    receipts = Counter(id_ for id_, to, subject in history.mails if "receipt" in subject.lower())
    found = []
    if len(receipts) < succeeded and not history.result.restores:
        found.append(f"{succeeded} payments, and receipts for {len(receipts)}")
    times = Counter(id_ for id_, _to, _subject in history.mails)
    if not history.may_mail_twice and any(number > 1 for number in times.values()):
        found.append("an e-mail was sent twice for no reason")
    return found


def _reviews(history: History) -> list[str]:
    """A person is asked only about what only a person can know."""
    kinds = {kind for (kind,) in history.database.fetch("SELECT kind FROM payments_review")}
    history.result.seen |= {f"review {kind}" for kind in kinds}
    if (history.plan.kind is Kind.O and history.plan.is_later) or history.plan.profile == "mixup":
        return []
    if history.plan.profile == "outage" and history.plan.outlasts:
        kinds -= {"given_up", "refund_given_up", "late_success"}  # found after a person was asked to look
    if history.network.broke_its_promise:
        # What was known to be dead came alive.
        kinds -= {"contradiction", "refund_done_after_all", "refund_contradiction"}
    if history.result.restores and _is_anything_unknown(history):
        kinds.discard("unmatched_charge")
    return [f"a review was opened: {kind}" for kind in sorted(kinds) if kind in ASTRAY]


def _is_anything_unknown(history: History) -> bool:
    """Whether money was taken for a line that the backup did not have."""
    lines = _lines(history)
    return any(line not in lines for paid_for in history.journal.values() for line in paid_for)


def _guards(history: History) -> list[str]:
    database = history.database
    found = []
    if history.postman.accepted_forgeries:
        found.append(f"{history.postman.accepted_forgeries} forged notices were stored")
    if history.forged_returns:
        found.append(f"{history.forged_returns} forged return addresses were taken")
    found += [f"an error that nothing explains: {each}" for each in history.surprises[:3]]
    if database.is_sqlite:
        broken = database.fetch("PRAGMA foreign_key_check")
        found += [f"row {row} of {table} points nowhere" for table, row, *_ in broken]
    return found
