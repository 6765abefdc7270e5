"""What only the portal's templates need."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from paywell.clients.types import PortalViewer
from paywell.core.money import Money
from paywell.core.snippets import Snippet
from paywell.core.templatetags.paywell import badge, local_day, money, split_name
from paywell.documents.types import Kind
from paywell.payments.card_names import name_card, name_expiry
from paywell.payments.types import PayableLine, PaymentRow, Shown
from paywell.portal.rows import render_history_row, render_pay_row
from paywell.portal.words import KIND_WORDS, STATUSES, name_method

register = template.Library()

_TOP_NAV: Final = Snippet("portal/_top_nav.html")
_ACCOUNT_MENU: Final = Snippet("portal/_account_menu.html")


@register.simple_tag
def payment_status(shown: Shown) -> SafeString:
    """A payment's status with its sign and word."""
    status = STATUSES[shown]
    return badge(status.state, str(status.word))


@register.filter
def document_kind(kind: Kind) -> str:
    """`Yearly statement`."""
    return str(KIND_WORDS[kind])


@register.simple_tag
def card_name(brand: str, last4: str) -> str:
    """`Visa 4242`."""
    return name_card(brand, last4)


@register.simple_tag
def card_expiry(month: int | None, year: int | None) -> str:
    """`08/28`; empty where it is not known."""
    return name_expiry(month, year)


@register.simple_tag
def money_of(minor: int, currency: str) -> SafeString:
    """A column of minor units as money."""
    return money(Money(minor, currency))


@register.simple_tag
def payment_method(row: PaymentRow) -> str:
    """`Visa 4242`, `Check 1042`."""
    return name_method(row)


@register.simple_tag
def top_nav(nav: str) -> SafeString:
    """The links to the portal's pages; `nav` names the open one."""
    return _TOP_NAV({}, {"nav": nav})


@register.simple_tag(takes_context=True)
def account_menu(context: dict[str, Any]) -> SafeString:
    """The viewer's menu, with their other accounts where there are any."""
    viewer: PortalViewer = context["viewer"]
    switcher = ""
    if len(viewer.choices) > 1:
        switcher = render_to_string("portal/_switcher.html", {"viewer": viewer}, context["request"])
    first, rest = split_name(viewer.contact.name)
    values = {
        "name": viewer.contact.name, "first": first, "rest": rest, "switcher": switcher,
        "csrf_token": str(context["csrf_token"]),
    }  # fmt: skip
    return _ACCOUNT_MENU(values, {})


@register.simple_tag
def pay_row(
    row: PayableLine, ticked: set[str], several_clients: bool, asked: dict[UUID, datetime], zone: str
) -> SafeString:
    """A row of Make a Payment. `asked`: when the open question about a line was asked."""
    at = asked.get(row.line_id)
    asked_on = local_day(at, zone) if at else ""
    return render_pay_row(row, ticked=ticked, several_clients=several_clients, asked_on=asked_on)


@register.simple_tag
def history_row(payment: PaymentRow, zone: str, several_clients: bool) -> SafeString:
    """A row of Payment History."""
    return render_history_row(payment, zone=zone, several_clients=several_clients)
