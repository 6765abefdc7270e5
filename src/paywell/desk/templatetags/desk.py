"""What desk templates share: badges of our states, words, fields."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms, template
from django.forms import BoundField
from django.utils.html import format_html
from django.utils.safestring import SafeString

from paywell.codes.places import name_place
from paywell.core.money import Money
from paywell.core.templatetags.paywell import badge, day, money
from paywell.desk.review_words import ReviewWords, say_review
from paywell.desk.words import (
    CAUSE_WORDS,
    CHARGE_WORDS,
    DECLINE_WORDS,
    DISPUTE_WORDS,
    METHOD_WORDS,
    PROBLEM_WORDS,
    REFUND_WORDS,
    STATUS_TONES,
    STATUS_WORDS,
)
from paywell.payments.card_names import name_card, name_expiry
from paywell.payments.models import Review, SavedCard
from paywell.payments.types import PaymentRow, Shown
from paywell.processors.registry import CONNECTORS
from paywell.reports.types import Cell, Column, Report, Row

register = template.Library()
register.filter("place_name", name_place)
#: Boxes of one question that stand open; the rest folds away, if it is more than one.
CHOICES_SHOWN = 10


@register.simple_tag
def state_badge(state: Any) -> SafeString:
    """One of the desk's own states (types.py)."""
    return badge(state.tone, state.label)


@register.simple_tag
def tone_badge(tone: str, words: str) -> SafeString:
    """Any state, by its sign and its word."""
    return badge(tone, words)


@register.simple_tag
def status_badge(status: Shown) -> SafeString:
    """A status of a payment."""
    return badge(STATUS_TONES[status], str(STATUS_WORDS[status]))


@register.simple_tag
def problem_badge(level: str) -> SafeString:
    """How much a finding of the check before a superbill weighs."""
    words, tone = PROBLEM_WORDS[level]
    return badge(tone, str(words))


@register.simple_tag
def fold_choices(field: BoundField) -> dict[str, Any]:
    """The first choices of a set of boxes, and the rest to fold away: open where one of the rest is ticked."""
    options = list(field)
    most = CHOICES_SHOWN if kind_of(field) == "boxes" and len(options) > CHOICES_SHOWN + 1 else len(options)
    folded = options[most:]
    return {
        "shown": options[:most],
        "folded": folded,
        "is_open": any(option.data["selected"] for option in folded),
    }


@register.simple_tag
def refund_badge(state: str) -> SafeString:
    words, tone = REFUND_WORDS[state]
    return badge(tone, str(words))


@register.simple_tag
def dispute_badge(status: str) -> SafeString:
    words, tone = DISPUTE_WORDS[status]
    return badge(tone, str(words))


@register.filter
def decline_words(code: str) -> str:
    """Why the bank said no, for staff."""
    return str(DECLINE_WORDS.get(code, DECLINE_WORDS["generic"])) if code else ""


@register.filter
def review_words(review: Review) -> ReviewWords:
    """What to say of a review."""
    return say_review(review.kind)


@register.filter
def cause_words(cause: str) -> str:
    return str(CAUSE_WORDS.get(cause, cause))


@register.filter
def card(row: PaymentRow) -> str:
    """`Visa 4242`, `Check 1042`; empty while nothing is known."""
    method = getattr(row, "method", "")
    if method:
        return f"{METHOD_WORDS[method]} {row.method_reference}".strip()
    return name_card(row.card_brand, row.card_last4)


@register.filter
def saved_card(row: SavedCard) -> str:
    """`Visa 4242`, of a card that is kept."""
    return name_card(row.brand, row.last4)


@register.filter
def card_expiry(row: SavedCard) -> str:
    """`08/28`; empty where it is not known."""
    return name_expiry(row.exp_month, row.exp_year)


@register.simple_tag
def charge_badge(state: str) -> SafeString:
    words, tone = CHARGE_WORDS[state]
    return badge(tone, str(words))


@register.filter
def connector_label(name: str) -> str:
    """What the connector calls itself; its bare name where it is no longer known."""
    return CONNECTORS[name].label if name in CONNECTORS else name


@register.filter
def minor(amount_minor: int, currency: str = "USD") -> Money:
    """A column of minor units as money."""
    return Money(amount_minor, currency)


@register.filter
def percent(basis_points: int) -> str:
    """5000 as `50%`, 3333 as `33.33%`."""
    whole, rest = divmod(basis_points, 100)
    return f"{whole}.{rest:02}%" if rest else f"{whole}%"


@register.filter
def kind_of(field: BoundField) -> str:
    """How a field is laid out: money, check (one box), boxes, radios, or plain."""
    widget = field.field.widget
    if getattr(widget, "is_money", False):
        return "money"
    kinds = ((forms.CheckboxInput, "check"), (forms.CheckboxSelectMultiple, "boxes"), (forms.RadioSelect, "radios"))
    return next((kind for known, kind in kinds if isinstance(widget, known)), "plain")


@register.filter
def columns(row: Row, report: Report) -> list[tuple[Column, Cell]]:
    """The cells of a report's row, each with its column."""
    return list(zip(report.columns, row.cells, strict=True))


@register.filter
def total_columns(report: Report) -> list[tuple[Column, Cell]]:
    return list(zip(report.columns, report.total or (), strict=True))


@register.simple_tag
def cell_words(cell: Cell) -> str | SafeString:
    """A cell of a report as people read it."""
    if isinstance(cell, Money):
        return money(cell)
    if isinstance(cell, date):
        return format_html('<span class="nowrap">{}</span>', day(cell))
    return "" if cell is None else str(cell)
