"""Laws of the ledger: balanced, equal to what was captured, charged once, only growing, and derived sums right."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from django.db import connection
from django.db.models import Count

from paywell.books.models import BookCheck
from paywell.books.types import NAMED_MAX, Law, Question, Rows, Scope
from paywell.ledger.models import Transfer

#: What money at a processor may come from or go to. Anything else on a clearing account is made up.
_SOURCES: Final = ("payment", "recapture", "refund", "refund_failed", "dispute", "charge")
_ONLY_GROW: Final = (
    "ledger_transfer",
    "audit_auditevent",
    "payments_attemptevent",
    "payments_cardconsent",
    "billing_entryline",
    "agreements_planline",
    "agreements_installment",
    "agreements_chargeline",
    "agreements_chargetry",
)
#: Unchangeable once issued, save for their void.
_FROZEN: Final = ("invoicing_invoice", "invoicing_invoiceline", "billing_entry", "agreements_agreement")
_FIRST_SEAL: Final = "0" * 64


def _one_sided(s: Scope) -> str:
    return f"""
        SELECT t.practice_id, t.id FROM ledger_transfer t
          JOIN ledger_ledgeraccount d ON d.id = t.debit_id
          JOIN ledger_ledgeraccount c ON c.id = t.credit_id
          JOIN ledger_book b ON b.id = t.book_id
         WHERE {s.mine("t")} AND (t.amount_minor <= 0 OR t.debit_id = t.credit_id
            OR d.currency <> t.currency OR c.currency <> t.currency
            OR d.practice_id <> t.practice_id OR c.practice_id <> t.practice_id
            OR b.practice_id <> t.practice_id)"""


#: Of a transfer t with accounts d and c: what it adds to the clearing account.
_CLEARING: Final = "CASE WHEN d.kind = 'clearing' THEN t.amount_minor ELSE -t.amount_minor END"


def _clearing(s: Scope, key: str, where: str) -> str:
    return f"""
        SELECT t.practice_id AS practice_id, {key} AS k, {_CLEARING} AS amount FROM ledger_transfer t
          JOIN ledger_ledgeraccount d ON d.id = t.debit_id
          JOIN ledger_ledgeraccount c ON c.id = t.credit_id
         WHERE {s.mine("t")} AND (d.kind = 'clearing' OR c.kind = 'clearing') AND {where}"""


def cancels(*sides: str) -> str:
    """Rows (practice_id, k, amount) of several sides that must add up to nothing for each k; those that do not."""
    both = " UNION ALL ".join(sides)
    return f"SELECT practice_id, k FROM ({both}) x GROUP BY practice_id, k HAVING SUM(amount) <> 0"


def _either(first: str, second: str) -> tuple[str, str]:
    """The id in a source of one of two kinds, and the condition that it is of one of them."""
    is_first = f"substr(t.source, 1, {len(first)}) = '{first}'"
    is_second = f"substr(t.source, 1, {len(second)}) = '{second}'"
    key = (
        f"CASE WHEN {is_first} THEN substr(t.source, {len(first) + 1}, 36)"
        f" ELSE substr(t.source, {len(second) + 1}, 36) END"
    )
    return key, f"({is_first} OR {is_second})"


def _payments_booked(s: Scope) -> str:
    key, where = _either("payment:", "recapture:")
    booked = _clearing(s, key, where)
    # A payment that a person accepted is paid out of suspense, where its charge was put when it moved.
    accepted = f"""
        SELECT t.practice_id, substr(t.source, 9, 36), t.amount_minor FROM ledger_transfer t
          JOIN ledger_ledgeraccount d ON d.id = t.debit_id
         WHERE {s.mine("t")} AND d.kind = 'suspense' AND substr(t.source, 1, 8) = 'payment:'"""
    captured = f"""
        SELECT a.practice_id, {s.text("a.id")}, -a.captured_minor FROM payments_attempt a
         WHERE {s.mine("a")} AND a.captured_minor <> 0"""
    return cancels(booked, accepted, captured)


def _refunds_booked(s: Scope) -> str:
    key, where = _either("refund:", "refund_failed:")
    booked = _clearing(s, key, where)
    done = f"""
        SELECT r.practice_id, {s.text("r.id")}, r.amount_minor FROM payments_refund r
         WHERE {s.mine("r")} AND r.state = 'done'"""
    return cancels(booked, done)


def _made_up_clearing(s: Scope) -> str:
    known = " AND ".join(f"substr(t.source, 1, {len(name) + 1}) <> '{name}:'" for name in _SOURCES)
    return f"""
        SELECT t.practice_id, t.id FROM ledger_transfer t
          JOIN ledger_ledgeraccount d ON d.id = t.debit_id
          JOIN ledger_ledgeraccount c ON c.id = t.credit_id
         WHERE {s.mine("t")} AND (d.kind = 'clearing' OR c.kind = 'clearing') AND {known}"""


def _paid_twice(s: Scope) -> str:
    """A line's part of payments that stand, less what was refunded of them on that line, above its amount.

    Its amount grows by what an insurer did not pay and was moved to the client. Of a payment that a person
    looked at and left as credit, in whole or in part, only what the ledger has on the line counts.
    """
    # From the transfer to its refund, whose id has an index: the other way round each refund would read the ledger.
    refund = (
        f"CASE WHEN substr(t.source, 1, 7) = 'refund:' THEN {s.id('substr(t.source, 8, 36)')}"
        f" WHEN substr(t.source, 1, 14) = 'refund_failed:' THEN {s.id('substr(t.source, 15, 36)')} END"
    )
    paid = _paid_attempt(s)
    return f"""
        SELECT i.practice_id, i.id FROM invoicing_invoiceline i JOIN (
            SELECT al.line_id AS line_id, al.amount_minor AS amount FROM payments_attemptline al
              JOIN payments_attempt a ON a.id = al.attempt_id
             WHERE {s.mine("a")} AND a.state = 'succeeded' AND a.refunded_minor < a.captured_minor
            UNION ALL
            SELECT al.line_id, COALESCE((
                     SELECT SUM(p.amount_minor) FROM ledger_transfer p
                      WHERE p.practice_id = t.practice_id AND p.source = t.source AND p.line_id = al.line_id), 0)
                   - al.amount_minor
              FROM ledger_transfer t
              JOIN ledger_ledgeraccount c ON c.id = t.credit_id
              JOIN payments_attempt a ON a.practice_id = t.practice_id AND a.id = {paid}
              JOIN payments_attemptline al ON al.attempt_id = a.id
             WHERE {s.mine("t")} AND c.kind = 'client_credit' AND t.line_id IS NULL
               AND a.state = 'succeeded' AND a.refunded_minor < a.captured_minor
               AND EXISTS (SELECT 1 FROM payments_review v WHERE v.attempt_id = a.id AND v.closed_at IS NOT NULL)
               AND NOT EXISTS (
                     SELECT 1 FROM payments_review v WHERE v.attempt_id = a.id AND v.closed_at IS NULL
                        AND v.kind IN ('surplus', 'amount_differs'))
            UNION ALL
            SELECT t.line_id, CASE WHEN d.kind = 'receivable' THEN -t.amount_minor ELSE t.amount_minor END
              FROM ledger_transfer t
              JOIN payments_refund r ON r.practice_id = t.practice_id AND r.id = {refund}
              JOIN payments_attempt a ON a.id = r.attempt_id
              JOIN ledger_ledgeraccount d ON d.id = t.debit_id
             WHERE {s.mine("t")} AND t.line_id IS NOT NULL AND a.refunded_minor < a.captured_minor
            UNION ALL
            SELECT el.line_id, -el.amount_minor FROM billing_entryline el
              JOIN billing_entry e ON e.id = el.entry_id
             WHERE {s.mine("e")} AND e.kind = 'insurer_to_client' AND e.reversed_at IS NULL
        ) x ON x.line_id = i.id
         GROUP BY i.practice_id, i.id, i.amount_minor HAVING SUM(x.amount) > i.amount_minor"""


def _paid_attempt(s: Scope) -> str:
    """The id of the attempt that a transfer t is the payment of; NULL for any other."""
    return f"CASE WHEN substr(t.source, 1, 8) = 'payment:' THEN {s.id('substr(t.source, 9, 36)')} END"


def _beyond_its_line(s: Scope) -> str:
    """A payment booked on a line that its payer did not choose, or above what they chose for it."""
    return f"""
        SELECT t.practice_id, t.id FROM ledger_transfer t
          JOIN payments_attempt a ON a.practice_id = t.practice_id AND a.id = {_paid_attempt(s)}
          LEFT JOIN payments_attemptline al ON al.attempt_id = a.id AND al.line_id = t.line_id
         WHERE {s.mine("t")} AND t.line_id IS NOT NULL
           AND (al.id IS NULL OR t.amount_minor > al.amount_minor)"""


#: Of a transfer t with accounts d and c: what it adds to what is owed on its line.
_OWED: Final = (
    "CASE WHEN d.kind = 'receivable' THEN t.amount_minor WHEN c.kind = 'receivable' THEN -t.amount_minor ELSE 0 END"
)


def _owed(s: Scope, where: str) -> str:
    return f"""
        SELECT t.practice_id AS practice_id, t.line_id AS k, {_OWED} AS amount FROM ledger_transfer t
          JOIN ledger_ledgeraccount d ON d.id = t.debit_id
          JOIN ledger_ledgeraccount c ON c.id = t.credit_id
         WHERE {s.mine("t")} AND t.line_id IS NOT NULL AND {where}"""


def _overpaid(s: Scope) -> str:
    """Below zero on a line: more was taken than charged."""
    return f"""
        SELECT practice_id, k FROM ({_owed(s, "1 = 1")}) x GROUP BY practice_id, k HAVING SUM(amount) < 0"""


def _line_balances(s: Scope) -> str:
    listed = f"""
        SELECT l.practice_id, l.line_id, -l.balance_minor FROM ledger_linebalance l WHERE {s.mine("l")}"""
    return cancels(_owed(s, "1 = 1"), listed)


def _account_balances(s: Scope) -> str:
    sides = [
        f"""SELECT t.practice_id AS practice_id, t.{side}_id AS k, {sign}t.amount_minor AS amount
              FROM ledger_transfer t JOIN ledger_ledgeraccount g ON g.id = t.{side}_id
             WHERE {s.mine("t")} AND g.kind IN ('receivable', 'client_credit')"""
        for side, sign in (("debit", ""), ("credit", "-"))
    ]
    listed = f"""
        SELECT b.practice_id, b.account_id, -b.balance_minor FROM ledger_accountbalance b WHERE {s.mine("b")}"""
    return cancels(*sides, listed)


def _charged(s: Scope) -> str:
    """What invoices say is owed, against what the ledger was charged: written by nobody together."""
    charged = _owed(s, "(substr(t.source, 1, 8) = 'invoice:' OR substr(t.source, 1, 5) = 'void:')")
    invoiced = f"""
        SELECT i.practice_id, i.id, -i.amount_minor FROM invoicing_invoiceline i
         WHERE {s.mine("i")} AND i.voided_at IS NULL"""
    return cancels(charged, invoiced)


def _invoiced(s: Scope) -> str:
    """What is kept on each service, against its live lines. Nothing kept is wrong too: lists would leave it out."""
    kept = f"""
        SELECT v.practice_id AS practice_id, v.id AS k, -COALESCE(v.invoiced_minor, -1) AS amount
          FROM care_service v
         WHERE {s.mine("v")}"""
    lines = f"""
        SELECT i.practice_id, i.service_id, i.amount_minor FROM invoicing_invoiceline i
         WHERE {s.mine("i")} AND i.voided_at IS NULL"""
    return cancels(kept, lines)


def _owed_for_nothing(s: Scope) -> str:
    return f"""
        SELECT t.practice_id, t.id FROM ledger_transfer t
          JOIN ledger_ledgeraccount d ON d.id = t.debit_id
          JOIN ledger_ledgeraccount c ON c.id = t.credit_id
         WHERE {s.mine("t")} AND t.line_id IS NULL AND (d.kind = 'receivable' OR c.kind = 'receivable')"""


_SEALED: Final = (
    "practice_id", "id", "book_id", "seq", "source", "leg", "debit_id", "credit_id", "amount_minor", "currency",
    "line_id", "reverses_id", "at", "actor_id", "reason", "effective_on", "prev_hash", "hash",
)  # fmt: skip


def _broken_chain(s: Scope) -> Rows:
    """Every book from its first transfer: numbered without a gap, each sealing the one before. One query."""
    rows = Transfer.objects.order_by("book_id", "seq")
    if s.practice_id:
        rows = rows.filter(practice_id=s.practice_id)
    return islice(_unsealed(rows.values_list(*_SEALED).iterator(chunk_size=5000)), NAMED_MAX)


def _unsealed(rows: Iterator[Any]) -> Iterator[tuple[Any, Any]]:
    book, seq, seal = None, 0, _FIRST_SEAL
    for row in rows:
        practice, id_, book_id, number, source, leg, debit, credit, minor, currency = row[:10]
        line, reverses, at, actor, reason, counts_on, before, stored = row[10:]
        if book_id != book:
            book, seq, seal = book_id, 0, _FIRST_SEAL
        content = [
            before, str(id_), str(practice), str(book_id), number, source, leg, str(debit), str(credit), minor,
            currency, str(line or ""), str(reverses or ""), at.isoformat(), str(actor or ""), reason,
            *([counts_on.isoformat()] if counts_on else []),
        ]  # fmt: skip
        made = hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()
        if number != seq + 1 or before != seal or stored != made:
            yield practice, id_
        seq, seal = number, stored


def _fewer_than_before(s: Scope) -> Rows:
    """Practices that have fewer transfers than their last check saw: the tail of a chain leaves no gap."""
    checks = BookCheck.objects.order_by("practice_id", "-at")
    transfers = Transfer.objects.all()
    if s.practice_id:
        checks, transfers = checks.filter(practice_id=s.practice_id), transfers.filter(practice_id=s.practice_id)
    counts = dict(transfers.values_list("practice_id").annotate(n=Count("id")))
    seen: dict[Any, int] = {}
    for practice_id, number in checks.values_list("practice_id", "transfers"):
        seen.setdefault(practice_id, number)
    return [(practice, practice) for practice, number in seen.items() if counts.get(practice, 0) < number]


def _unguarded(s: Scope) -> Rows:
    """Tables that the database itself no longer guards against change and deletion."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            wanted = {table: {f"{table}_no_update", f"{table}_no_delete"} for table in _ONLY_GROW}
        else:
            cursor.execute("SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D' AND NOT tgisinternal")
            wanted = {table: {f"{table}_append_only", f"{table}_no_truncate"} for table in _ONLY_GROW}
        wanted |= {table: {f"{table}_frozen", f"{table}_no_delete"} for table in _FROZEN}
        there = {name for (name,) in cursor.fetchall()}
    return [(None, table) for table, names in wanted.items() if not names <= there]


BALANCED = Law(
    1,
    "Every transfer has two sides",
    (Question("This transfer does not balance: sides, currency or practice do not match.", _one_sided),),
)
CASH = Law(
    2,
    "The ledger holds exactly what the processor took",
    (
        Question("What was captured for this payment is not what the ledger has of it.", _payments_booked),
        Question("What was given back by this refund is not what the ledger has of it.", _refunds_booked),
        Question("This transfer moves money at the processor that nothing there explains.", _made_up_clearing),
    ),
)
ONCE = Law(
    3,
    "Nobody pays twice",
    (
        Question("Payments that stand add up to more than this invoice line.", _paid_twice),
        Question("More was taken for this invoice line than was charged.", _overpaid),
        Question(
            "This transfer pays for something that its payer did not choose, or for more of it.", _beyond_its_line
        ),
    ),
)
GROWS = Law(
    10,
    "The ledger only grows",
    (
        Question("This transfer, or the one before it in its book, was changed or is missing.", ask=_broken_chain),
        Question("This practice has fewer transfers than at the last check.", ask=_fewer_than_before),
        Question("The database no longer refuses to change or delete rows of this table.", ask=_unguarded),
    ),
)
DERIVED = Law(
    11,
    "Balances are the sums of their transfers",
    (
        Question("The balance shown for this invoice line is not the sum of its transfers.", _line_balances),
        Question("The balance shown for this ledger account is not the sum of its transfers.", _account_balances),
        Question("This invoice line was charged something else than it says.", _charged),
        Question("What is kept as invoiced on this service is not the sum of its invoice lines.", _invoiced),
        Question("This transfer changes what somebody owes without naming an invoice line.", _owed_for_nothing),
    ),
)
