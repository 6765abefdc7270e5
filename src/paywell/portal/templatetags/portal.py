"""What only the portal's templates need."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString

from paywell.core.templatetags.paywell import badge
from paywell.payments.types import Shown
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


@register.filter
def chosen(line_id: object, ticked: set[str]) -> bool:
    """Whether the service stands among the ticked ones."""
    return str(line_id) in ticked
