"""The printed form: every label, date and amount of a document as text, in order.

The Typst templates and the HTML templates both lay out this one form, so that the PDF and the page say the same.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from babel.dates import format_date
from django.utils.translation import get_language, gettext, ngettext

from paywell.core.color import readable_accent
from paywell.core.money import Money, format_money
from paywell.documents.types import (
    Document,
    InvoiceDocument,
    ReceiptDocument,
    Setting,
    SuperbillClinician,
    SuperbillDocument,
)

Printed = dict[str, Any]

#: Names by which people know the cards' brands.
_BRANDS = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "american_express": "American Express",
    "discover": "Discover",
    "diners": "Diners Club",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}


def present(document: Document) -> Printed:
    """The document's printed form, in the language that is active and the document's own locale."""
    if isinstance(document, InvoiceDocument):
        return _invoice(document)
    if isinstance(document, SuperbillDocument):
        return _superbill(document)
    return _receipt(document)


def card_name(brand: str, last4: str) -> str:
    """A card in words: `Visa ending in 4242`; empty where nothing is known or may be shown."""
    name = _BRANDS.get(brand.lower(), brand)
    if not last4:
        return name
    return gettext("%(brand)s ending in %(last4)s") % {"brand": name or gettext("Card"), "last4": last4}


# The three kinds


def _invoice(doc: InvoiceDocument) -> Printed:
    money, day = _writers(doc.setting)
    rows = [
        [
            _cell(day(item.on)),
            _cell(item.wording or gettext("Service"), _join(item.client, item.clinician)),
            _cell(item.code),
            _cell(str(item.units)),
            _cell(money(item.amount_minor)),
        ]
        for item in doc.items
    ]
    table = _table(
        [gettext("Date"), gettext("Service"), gettext("Code"), gettext("Units"), gettext("Amount")],
        rows,
        wide=1,
        right=(3, 4),
        optional=(2,),
    )
    standing = [_total(gettext("Paid so far"), money(doc.paid_minor))]
    if doc.adjusted_minor:
        standing.append(_total(gettext("Adjustments"), money(doc.adjusted_minor)))
    standing.append(_total(gettext("Balance due"), money(doc.balance_minor), strong=True))
    printed = _sheet(doc, gettext("Invoice"), doc.number)
    printed["facts"] = [
        [gettext("Number"), doc.number],
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
        if doc.replaced_by:
            printed["facts"].append([gettext("Replaced by"), doc.replaced_by])
    printed["addressee"] = list(doc.addressee)
    printed["table"] = table
    printed["totals"] = [_total(gettext("Invoice total"), money(doc.total_minor), strong=True)]
    printed["standing"] = {
        "heading": gettext("As of %(date)s") % {"date": day(doc.as_of)},
        "rows": standing,
    }
    if doc.balance_minor > 0:
        printed["notes"].append(gettext("Please pay by %(date)s.") % {"date": day(doc.due_on)})
    printed["notes"] += _questions(doc)
    return printed


def _superbill(doc: SuperbillDocument) -> Printed:
    money, _ = _writers(doc.setting)
    many = len(doc.clinicians) > 1
    rows = [
        [
            _cell(_numeric(item.on)),
            _cell(item.place_of_service),
            _cell(item.code),
            _cell(" ".join(item.modifiers)),
            _cell(item.wording, doc.clinicians[item.clinician].name if many else ""),
            _cell(item.pointers),
            _cell(str(item.units)),
            _cell(money(item.charge_minor)),
            _cell(money(item.paid_minor)),
        ]
        for item in doc.items
    ]
    printed = _sheet(doc, gettext("Superbill"), doc.number)
    printed["facts"] = [[gettext("Number"), doc.number], [gettext("Date"), _numeric(doc.issued_on)]]
    printed["panels"] = [_client_panel(doc), _practice_panel(doc), *_clinician_panels(doc), *_facility_panel(doc)]
    printed["diagnoses"] = {
        "heading": gettext("Diagnoses (ICD-10-CM)"),
        "table": _table(
            [gettext("Pointer"), gettext("Code"), gettext("Description")],
            [[_cell(dx.letter), _cell(dx.code), _cell(dx.description)] for dx in doc.diagnoses]
            or [[_cell(""), _cell(""), _cell(gettext("None recorded on or before the date of service"))]],
            wide=2,
        ),
    }
    printed["services"] = ngettext("Service", "Services", len(doc.items))
    printed["table"] = _table(
        [
            gettext("Date"),
            gettext("Place"),
            gettext("Code"),
            gettext("Mod."),
            gettext("Description"),
            gettext("Dx"),
            gettext("Units"),
            gettext("Charge"),
            gettext("Paid"),
        ],
        rows,
        wide=4,
        right=(6, 7, 8),
    )
    printed["totals"] = [
        _total(gettext("Total charge"), money(doc.charge_minor)),
        _total(gettext("Paid by client"), money(doc.paid_minor)),
        _total(gettext("Balance"), money(doc.balance_minor), strong=True),
    ]
    printed["notes"] = [
        gettext("Please send any reimbursement to the client. Benefits are not assigned to the practice."),
    ]
    printed["signature"] = [gettext("Signature of clinician"), gettext("Date signed")]
    return printed


def _receipt(doc: ReceiptDocument) -> Printed:
    money, day = _writers(doc.setting)
    rows = [
        [
            _cell(day(item.on)),
            _cell(item.wording or gettext("Service"), _join(item.client, item.clinician)),
            _cell(item.invoice),
            _cell(money(item.amount_minor)),
        ]
        for item in doc.items
    ]
    printed = _sheet(doc, gettext("Receipt"), doc.number)
    printed["facts"] = [
        [gettext("Number"), doc.number],
        [gettext("Paid on"), day(doc.paid_on)],
        [gettext("Paid by"), doc.payer],
        [gettext("Method"), card_name(doc.card_brand, doc.card_last4) or gettext("Card")],
    ]
    if doc.is_test:
        printed["mark"] = gettext("Test")
        printed["mark_note"] = gettext("Test payment. No money moved.")
    printed["addressee"] = list(doc.addressee)
    printed["table"] = _table(
        [gettext("Date of service"), gettext("Service"), gettext("Invoice"), gettext("Amount paid")],
        rows,
        wide=1,
        right=(3,),
    )
    refunded = sum(refund.amount_minor for refund in doc.refunds)
    totals = [_total(gettext("Amount paid"), money(doc.amount_minor), strong=not refunded)]
    for refund in doc.refunds:
        label = gettext("Refunded on %(date)s") % {"date": day(refund.on)}
        totals.append(_total(label, money(-refund.amount_minor)))
    if refunded:
        label = gettext("Net, as of %(date)s") % {"date": day(doc.as_of)}
        totals.append(_total(label, money(doc.amount_minor - refunded), strong=True))
    printed["totals"] = totals
    printed["notes"] = [gettext("Thank you. Keep this receipt for your records."), *_questions(doc)]
    return printed


# The superbill's panels


def _client_panel(doc: SuperbillDocument) -> Printed:
    return {
        "heading": gettext("Client"),
        "facts": [
            [gettext("Legal name"), doc.client],
            [gettext("Date of birth"), _numeric(doc.birth_date)],
            [gettext("Sex"), doc.sex],
            [gettext("Address"), ", ".join(doc.client_address)],
            [gettext("Phone"), doc.client_phone],
            [gettext("Payee"), gettext("Client")],
        ],
    }


def _practice_panel(doc: SuperbillDocument) -> Printed:
    return {
        "heading": gettext("Practice"),
        "facts": [
            [gettext("Name"), doc.letterhead.name],
            [gettext("Address"), ", ".join(doc.letterhead.address)],
            [gettext("Phone"), doc.letterhead.phone],
            _tax_id(doc),
            [gettext("Group NPI"), doc.group_npi],
        ],
    }


def _tax_id(doc: SuperbillDocument) -> list[str]:
    """A fact with a third text is shown by that text on a screen: an SSN stands in full on paper alone."""
    fact = [gettext("Tax ID (%(kind)s)") % {"kind": doc.tax_id_kind}, doc.tax_id]
    if doc.tax_id_kind == "SSN" and doc.tax_id:
        fact.append(f"•••-••-{doc.tax_id[-4:]}")
    return fact


def _clinician_panels(doc: SuperbillDocument) -> list[Printed]:
    return [_clinician_panel(clinician) for clinician in doc.clinicians]


def _clinician_panel(clinician: SuperbillClinician) -> Printed:
    facts = [
        [gettext("Name"), _join(clinician.name, clinician.credentials, by=", ")],
        [gettext("NPI"), clinician.npi],
        [gettext("License"), clinician.license],
        [gettext("Taxonomy"), clinician.taxonomy],
    ]
    if clinician.supervisor:
        facts.append([gettext("Supervisor"), clinician.supervisor])
    return {"heading": gettext("Rendering clinician"), "facts": facts}


def _facility_panel(doc: SuperbillDocument) -> list[Printed]:
    if not doc.facility:
        return []
    return [
        {
            "heading": gettext("Place of service"),
            "facts": [
                [gettext("Name"), doc.facility[0]],
                [gettext("Address"), ", ".join(doc.facility[1:])],
            ],
        }
    ]


# Parts


def _sheet(doc: Document, heading: str, number: str) -> Printed:
    """What every document has. Kinds fill in the rest."""
    head = doc.letterhead
    language, _, region = (get_language() or "en").partition("-")
    title = gettext("%(kind)s %(number)s") % {"kind": heading, "number": number}
    return {
        "kind": doc.kind.value,
        "lang": language,
        "region": region.upper() or "US",
        "paper": doc.setting.paper,
        "accent": readable_accent(head.accent).light,
        "title": title,
        "heading": heading,
        "footer": _join(head.name, title),
        "page": [gettext("Page"), gettext("of")],
        "mark": "",
        "mark_note": "",
        "letterhead": {
            "name": head.name,
            "lines": [line for line in (*head.address, head.phone, head.email) if line],
        },
        "facts": [],
        "addressee": [],
        "notes": [],
    }


def _questions(doc: Document) -> list[str]:
    """How to reach the practice; nothing where it gave neither phone nor e-mail."""
    ways = gettext(" or ").join(way for way in (doc.letterhead.phone, doc.letterhead.email) if way)
    return [gettext("Questions? Reach us at %(ways)s.") % {"ways": ways}] if ways else []


def _writers(setting: Setting) -> tuple[Any, Any]:
    def money(minor: int) -> str:
        return format_money(Money(minor, setting.currency), setting.locale)

    def day(value: date) -> str:
        return format_date(value, "medium", locale=setting.locale)

    return money, day


def _numeric(value: date | None) -> str:
    """Month, day and four-digit year, as insurers' forms ask."""
    return f"{value:%m/%d/%Y}" if value else ""


def _join(*parts: str, by: str = " · ") -> str:
    return by.join(part for part in parts if part)


def _cell(main: str, sub: str = "") -> Printed:
    return {"main": main, "sub": sub}


def _total(label: str, value: str, *, strong: bool = False) -> Printed:
    return {"label": label, "value": value, "strong": strong}


def _table(
    labels: list[str],
    rows: list[list[Printed]],
    *,
    wide: int,
    right: tuple[int, ...] = (),
    optional: tuple[int, ...] = (),
) -> Printed:
    """Columns and rows; a column in `optional` is left out when no row has anything in it."""
    shown = [
        index for index in range(len(labels)) if index not in optional or any(row[index]["main"] for row in rows)
    ]
    return {
        "columns": [{"label": labels[i], "wide": i == wide, "right": i in right} for i in shown],
        "rows": [[row[i] for i in shown] for row in rows],
    }
