"""What only the portal's templates need."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString

from paywell.core.templatetags.paywell import badge
from paywell.payments.types import PayableLine, PaymentRow, Shown
from paywell.portal.rows import render_history_row, render_pay_row
from paywell.portal.words import STATUSES, name_card

register = template.Library()


@register.simple_tag
def payment_status(shown: Shown) -> SafeString:
    """A payment's status with its sign and word."""
    status = STATUSES[shown]
    return badge(status.state, str(status.word))


@register.simple_tag
def card_name(brand: str, last4: str) -> str:
    """`Visa 4242`."""
    return name_card(brand, last4)


@register.simple_tag
def pay_row(row: PayableLine, ticked: set[str], several_clients: bool) -> SafeString:
    """A row of Make a Payment."""
    return render_pay_row(row, ticked=ticked, several_clients=several_clients)


@register.simple_tag
def history_row(payment: PaymentRow, zone: str, several_clients: bool) -> SafeString:
    """A row of Payment History."""
    return render_history_row(payment, zone=zone, several_clients=several_clients)
