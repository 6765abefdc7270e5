"""The printed form of receipts, of payments and of refunds."""

from __future__ import annotations

from django.utils.translation import gettext

from paywell.documents.present.parts import Printed, card_name, cell, join, questions, sheet, table, total, writers
from paywell.documents.types import ReceiptDocument, ReceiptItem, RefundDocument


def present_receipt(doc: ReceiptDocument) -> Printed:
    money, day = writers(doc.setting)
    printed = sheet(doc, gettext("Receipt"), doc.number)
    printed["facts"] += [
        [gettext("Paid on"), day(doc.paid_on)],
        [gettext("Paid by"), doc.payer],
        [gettext("Method"), _method(doc)],
    ]
    if doc.reference:
        printed["facts"].append([gettext("Reference"), doc.reference])
    _mark_test(printed, doc.is_test)
    if doc.reversed_on:
        printed["mark"] = gettext("Reversed")
        printed["mark_note"] = gettext("This payment was taken back on %(date)s.") % {"date": day(doc.reversed_on)}
    printed["addressee"] = list(doc.addressee)
    printed["table"] = _lines(doc, doc.items, gettext("Amount paid"))
    printed["totals"] = [total(gettext("Amount paid"), money(doc.amount_minor), strong=True)]
    refunded = sum(refund.amount_minor for refund in doc.refunds)
    if refunded and doc.as_of:
        rows = [
            total(gettext("Refunded on %(date)s") % {"date": day(refund.on)}, money(-refund.amount_minor))
            for refund in doc.refunds
        ]
        rows.append(total(gettext("Net"), money(doc.amount_minor - refunded), strong=True))
        printed["standing"] = {"heading": gettext("As of %(date)s") % {"date": day(doc.as_of)}, "rows": rows}
    printed["notes"] += [gettext("Thank you. Keep this receipt for your records."), *questions(doc)]
    return printed


def _method(doc: ReceiptDocument) -> str:
    """`Visa ending in 4242`, `Check 1042`."""
    by_hand = {
        "cash": gettext("Cash"),
        "check": gettext("Check"),
        "card": gettext("Card"),
        "bank": gettext("Bank transfer"),
    }
    if doc.method:
        return f"{by_hand[doc.method]} {doc.method_reference}".strip()
    return card_name(doc.card_brand, doc.card_last4) or gettext("Card")


def present_refund(doc: RefundDocument) -> Printed:
    money, day = writers(doc.setting)
    printed = sheet(doc, gettext("Refund Receipt"), doc.number)
    printed["facts"] += [
        [gettext("Refunded on"), day(doc.refunded_on)],
        [gettext("Refunded to"), card_name(doc.card_brand, doc.card_last4) or gettext("Card")],
        [gettext("Paid by"), doc.payer],
        [gettext("Paid on"), day(doc.paid_on)],
        [gettext("Receipt"), doc.receipt],
    ]
    if doc.reference:
        printed["facts"].append([gettext("Reference"), doc.reference])
    _mark_test(printed, doc.is_test)
    if doc.came_back_on:
        printed["mark"] = gettext("Came back")
        printed["mark_note"] = gettext(
            "The card did not take this refund: on %(date)s the money came back to the practice."
        ) % {"date": day(doc.came_back_on)}
    printed["addressee"] = list(doc.addressee)
    printed["table"] = _lines(doc, doc.items, gettext("Amount refunded"))
    printed["totals"] = [total(gettext("Amount refunded"), money(doc.amount_minor), strong=True)]
    printed["notes"] += [
        gettext("A bank can take some days to show a refund on the card."),
        *questions(doc),
    ]
    return printed


def _lines(doc: ReceiptDocument | RefundDocument, items: tuple[ReceiptItem, ...], amount: str) -> Printed:
    money, day = writers(doc.setting)
    rows = [
        [
            cell(day(item.on) if item.on else ""),
            cell(_wording(item), join(item.client, item.clinician)),
            cell(item.invoice),
            cell(money(item.amount_minor)),
        ]
        for item in items
    ]
    labels = [gettext("Date of service"), gettext("Service"), gettext("Invoice"), amount]
    return table(labels, rows, wide=1, right=(3,), optional=(2,))


def _wording(item: ReceiptItem) -> str:
    return item.wording or (gettext("Service") if item.on else gettext("Credit on account"))


def _mark_test(printed: Printed, is_test: bool) -> None:
    if is_test:
        printed["mark"] = gettext("Test")
        printed["mark_note"] = gettext("Test payment. No money moved.")
