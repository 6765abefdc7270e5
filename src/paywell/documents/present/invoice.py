"""The printed form of invoices."""

from __future__ import annotations

from django.utils.translation import gettext

from paywell.documents.present.parts import Printed, cell, how_to_pay, join, questions, sheet, table, total, writers
from paywell.documents.types import InvoiceDocument


def present_invoice(doc: InvoiceDocument) -> Printed:
    money, day = writers(doc.setting)
    rows = [
        [
            cell(day(item.on)),
            cell(item.wording or gettext("Service"), join(item.client, item.clinician)),
            cell(item.code),
            cell(str(item.units)),
            cell(money(item.amount_minor)),
        ]
        for item in doc.items
    ]
    lines = table(
        [gettext("Date"), gettext("Service"), gettext("Code"), gettext("Units"), gettext("Amount")],
        rows,
        wide=1,
        right=(3, 4),
        optional=(2,),
    )
    standing = [total(gettext("Paid so far"), money(doc.paid_minor))]
    if doc.adjusted_minor:
        standing.append(total(gettext("Adjustments"), money(doc.adjusted_minor)))
    standing.append(total(gettext("Balance due"), money(doc.balance_minor), strong=True))
    printed = sheet(doc, gettext("Invoice"), doc.number)
    printed["facts"] += [
        [gettext("Date"), day(doc.issued_on)],
        [gettext("Due"), day(doc.due_on)],
    ]
    if doc.tax_id:
        printed["facts"].append([gettext("Tax ID (EIN)"), doc.tax_id])
    if doc.voided_on:
        printed["mark"] = gettext("Void")
        printed["mark_note"] = gettext("Void since %(date)s. Nothing is owed on this invoice.") % {
            "date": day(doc.voided_on)
        }
    printed["addressee"] = list(doc.addressee)
    printed["table"] = lines
    printed["totals"] = [total(gettext("Invoice total"), money(doc.total_minor), strong=True)]
    printed["standing"] = {
        "heading": gettext("As of %(date)s") % {"date": day(doc.as_of)},
        "rows": standing,
    }
    if doc.balance_minor > 0 and not doc.voided_on:
        printed["notes"] += [gettext("Please pay by %(date)s.") % {"date": day(doc.due_on)}, *how_to_pay(doc)]
    printed["notes"] += questions(doc)
    return printed
