"""The printed form of statements: for a period, and for a year."""

from __future__ import annotations

from django.utils.translation import gettext

from paywell.documents.present.parts import (
    Printed,
    card_name,
    cell,
    how_to_pay,
    join,
    questions,
    sheet,
    table,
    total,
    writers,
)
from paywell.documents.types import Entry, StatementDocument, StatementItem, YearlyDocument, YearlyItem


def present_statement(doc: StatementDocument) -> Printed:
    money, day = writers(doc.setting)
    printed = sheet(doc, gettext("Statement"), doc.number)
    printed["facts"] += [
        [gettext("Date"), day(doc.issued_on)],
        [gettext("From"), day(doc.period_from)],
        [gettext("To"), day(doc.period_to)],
        [_ending(doc), money(abs(doc.ending_minor))],
    ]
    printed["addressee"] = list(doc.addressee)
    rows = [
        [cell(day(doc.period_from)), cell(gettext("Previous balance")), *_blank(2), cell(money(doc.previous_minor))]
    ]
    rows += [
        [
            cell(day(item.on)),
            cell(_entry(item), join(day(item.service_on) if item.service_on else "", item.client, item.clinician)),
            cell(item.invoice),
            cell(money(item.amount_minor)),
            cell(money(item.balance_minor)),
        ]
        for item in doc.items
    ]
    labels = [gettext("Date"), gettext("Description"), gettext("Invoice"), gettext("Amount"), gettext("Balance")]
    printed["table"] = table(labels, rows, wide=1, right=(3, 4), optional=(2,))
    totals = [
        total(gettext("Previous balance"), money(doc.previous_minor)),
        total(gettext("Services"), money(doc.charges_minor)),
        total(gettext("Payments, less refunds"), money(doc.payments_minor)),
    ]
    if doc.adjustments_minor:
        totals.append(total(gettext("Adjustments"), money(doc.adjustments_minor)))
    totals.append(total(_ending(doc), money(abs(doc.ending_minor)), strong=True))
    printed["totals"] = totals
    printed["ageing"] = _ageing(doc)
    printed["notes"] += _statement_notes(doc)
    return printed


def present_yearly(doc: YearlyDocument) -> Printed:
    money, day = writers(doc.setting)
    printed = sheet(doc, gettext("Yearly Statement"), doc.number)
    printed["facts"] += [
        [gettext("Date"), day(doc.issued_on)],
        [gettext("Year"), str(doc.year)],
        [gettext("Net paid"), money(doc.net_minor)],
    ]
    if doc.tax_id:
        printed["facts"].append([gettext("Tax ID (EIN)"), doc.tax_id])
    printed["addressee"] = list(doc.addressee)
    several = len({item.payer for item in doc.items if item.payer}) > 1
    rows = [
        [
            cell(day(item.paid_on)),
            cell(day(item.service_on) if item.service_on else ""),
            cell(_paid_for(item), join(item.client, item.clinician)),
            cell(item.payer if several else ""),
            cell(item.invoice),
            cell(money(item.amount_minor)),
        ]
        for item in doc.items
    ]
    labels = [
        gettext("Paid on"),
        gettext("Date of service"),
        gettext("Service"),
        gettext("Paid by"),
        gettext("Invoice"),
        gettext("Amount"),
    ]
    printed["table"] = table(labels, rows, wide=2, right=(5,), optional=(3, 4))
    totals = [total(gettext("Paid in %(year)s") % {"year": doc.year}, money(doc.paid_minor))]
    if doc.refunded_minor:
        totals.append(total(gettext("Refunded"), money(-doc.refunded_minor)))
    totals.append(total(gettext("Net paid in %(year)s") % {"year": doc.year}, money(doc.net_minor), strong=True))
    printed["totals"] = totals
    printed["notes"] += [
        gettext("Payments count on the day on which they were made, less what was refunded in the same year."),
        gettext(
            "What an insurer paid back to you is not known to the practice. Take it off before you deduct these "
            "amounts or claim them from an HSA or FSA."
        ),
    ]
    if (doc.through.month, doc.through.day) != (12, 31):
        note = gettext("The year is not over: this statement covers payments until %(day)s.")
        printed["notes"].insert(0, note % {"day": day(doc.through)})
    printed["notes"] += questions(doc)
    return printed


def _entry(item: StatementItem) -> str:
    if item.entry is Entry.CHARGE:
        return item.wording or gettext("Service")
    if item.entry is Entry.PAYMENT:
        card = card_name(item.card_brand, item.card_last4)
        return join(gettext("Payment, thank you"), card)
    return {
        Entry.VOID: gettext("Invoice voided"),
        Entry.REFUND: gettext("Refund"),
        Entry.ADJUSTMENT: gettext("Adjustment"),
        Entry.CREDIT: gettext("Credit on account"),
    }[item.entry]


def _paid_for(item: YearlyItem) -> str:
    if item.service_on is None:
        return gettext("Credit on account, used") if item.is_transfer else gettext("Credit on account")
    wording = item.wording or gettext("Service")
    if item.amount_minor < 0 and not item.is_transfer:
        return gettext("Refund: %(service)s") % {"service": wording}
    return wording


def _ending(doc: StatementDocument) -> str:
    return gettext("Balance due") if doc.ending_minor >= 0 else gettext("Credit balance")


def _ageing(doc: StatementDocument) -> Printed:
    """Days since the invoice; nothing where nothing is owed."""
    money, _ = writers(doc.setting)
    age = doc.ageing
    amounts = (age.to_30_minor, age.to_60_minor, age.to_90_minor, age.above_minor)
    if not any(amounts):
        return {}
    labels = [gettext("0 to 30 days"), gettext("31 to 60 days"), gettext("61 to 90 days"), gettext("Over 90 days")]
    spec = table(labels, [[cell(money(minor)) for minor in amounts]], wide=-1, right=(0, 1, 2, 3))
    spec["even"] = True
    return {"heading": gettext("What is owed, by days since the invoice"), "table": spec}


def _statement_notes(doc: StatementDocument) -> list[str]:
    money, _ = writers(doc.setting)
    notes = []
    if doc.credit_minor > 0:
        note = gettext("%(amount)s is credit on account that has not been used yet.")
        notes.append(note % {"amount": money(doc.credit_minor)})
    if doc.ending_minor > 0:
        note = gettext("Please pay %(amount)s. Each invoice says by when.")
        notes += [note % {"amount": money(doc.ending_minor)}, *how_to_pay(doc)]
    else:
        notes.append(gettext("Nothing is owed."))
    return notes + questions(doc)


def _blank(count: int) -> list[Printed]:
    return [cell("") for _ in range(count)]
