"""Parts of printed forms that every kind needs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from babel.dates import format_date
from django.utils.translation import get_language, gettext

from paywell.core.color import readable_accent
from paywell.core.money import Money, format_money
from paywell.documents.letters import NO_GLYPH, missing_letters, name_letters, texts_of
from paywell.documents.text import beside
from paywell.documents.types import Document, Setting
from paywell.payments.card_names import name_brand

Printed = dict[str, Any]


def card_name(brand: str, last4: str) -> str:
    """A card in words: `Visa ending in 4242`; empty where nothing is known or may be shown."""
    name = name_brand(brand)
    if not last4:
        return name
    return gettext("%(brand)s ending in %(last4)s") % {"brand": name or gettext("Card"), "last4": last4}


def sheet(doc: Document, heading: str, number: str) -> Printed:
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
        "footer": join(head.name, title),
        "page": [gettext("Page"), gettext("of")],
        "mark": "",
        "mark_note": "",
        "logo": gettext("Logo of %(name)s") % {"name": head.name} if head.logo else "",
        "letterhead": {
            "name": head.name,
            "lines": [line for line in (*head.address, head.phone, head.email) if line],
        },
        "facts": [[gettext("Number"), number], *_cross_references(doc)],
        "addressee": [],
        "notes": [head.notice] if head.notice else [],
        "standing": {},
        "ageing": {},
    }


def _cross_references(doc: Document) -> list[list[str]]:
    """A correction names what it corrects; and what was corrected names its correction."""
    facts = []
    if doc.replaces:
        facts.append([gettext("Replaces"), doc.replaces])
    if doc.replaced_by:
        facts.append([gettext("Replaced by"), doc.replaced_by])
    return facts


def questions(doc: Document) -> list[str]:
    """How to reach the practice; nothing where it gave neither phone nor e-mail."""
    ways = gettext(" or ").join(way for way in (doc.letterhead.phone, doc.letterhead.email) if way)
    return [gettext("Questions? Reach us at %(ways)s.") % {"ways": ways}] if ways else []


def how_to_pay(doc: Document) -> list[str]:
    """Where payments are sent, in one line, and what else the practice says of them."""
    head = doc.letterhead
    notes = []
    if head.pay_to:
        notes.append(gettext("Send payments to: %(to)s.") % {"to": join(*head.pay_to, by=", ")})
    return [*notes, head.pay_note] if head.pay_note else notes


def writers(setting: Setting) -> tuple[Any, Any]:
    def money(minor: int) -> str:
        return format_money(Money(minor, setting.currency), setting.locale)

    def day(value: date) -> str:
        return format_date(value, "medium", locale=setting.locale)

    return money, day


def numeric(value: date | None) -> str:
    """Month, day and four-digit year, as insurers' forms ask."""
    return f"{value:%m/%d/%Y}" if value else ""


def address(lines: Sequence[str]) -> str:
    """An address in one line that never breaks before its ZIP code."""
    *before, town = lines or ("",)
    return ", ".join((*map(beside, before), "\N{NO-BREAK SPACE}".join(town.rsplit(" ", 1))))


def join(*parts: str, by: str = " · ") -> str:
    return by.join(beside(part) for part in parts if part)


def cell(main: str, sub: str = "") -> Printed:
    return {"main": main, "sub": sub}


def total(label: str, value: str, *, strong: bool = False) -> Printed:
    return {"label": label, "value": value, "strong": strong}


def table(
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


def known(*facts: list[str]) -> list[list[str]]:
    """The facts of which there is something to say."""
    return [fact for fact in facts if fact[1]]


def note_missing_letters(printed: Printed, *, on_paper: bool) -> Printed:
    """The form with a word about letters that the PDF prints as a square; on a screen they can be shown."""
    missing = missing_letters(*texts_of(printed))
    if not missing:
        return printed
    if on_paper:
        note = gettext("%(sign)s stands for a letter that no font of this document has.") % {"sign": NO_GLYPH}
    else:
        words = gettext("The PDF has no font for these letters and prints %(sign)s instead: %(letters)s")
        note = words % {"sign": NO_GLYPH, "letters": name_letters(missing)}
    return {**printed, "notes": [*printed["notes"], note]}
