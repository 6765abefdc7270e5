"""The rows of the long lists, made from snippets: what differs from row to row, and what decides how it looks."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from paywell.core.money import format_money
from paywell.core.snippets import Snippet
from paywell.core.templatetags.paywell import badge, day, local_day, money
from paywell.payments.types import PaidLine, PayableLine, PaymentRow
from paywell.portal.words import STATUSES, name_method

_PAY_ROW: Final = Snippet("portal/_pay_row.html")
_HISTORY_ROW: Final = Snippet("portal/_history_row.html")
_HISTORY_LINE: Final = Snippet("portal/_history_line.html")


def render_pay_row(
    row: PayableLine, *, ticked: Collection[str], several_clients: bool, asked_on: str
) -> SafeString:
    """One service of Make a Payment. `asked_on`: the day of the open question about it, or nothing."""
    return _PAY_ROW(
        {
            "line_id": row.line_id,
            "held_by": row.held_by or row.line_id,
            "invoice_id": row.invoice_id,
            "service_id": row.service_id,
            "on": day(row.on),
            "wording": row.wording or _("Service"),
            "what": row.wording or row.invoice_label,
            "client_name": row.client_name,
            "clinician": row.clinician,
            "invoice_label": row.invoice_label,
            "amount": money(row.amount),
            "paid": money(row.paid),
            "balance": money(row.balance),
            "balance_minor": str(row.balance.minor),
            "asked_on": asked_on,
        },
        {
            "is_held": row.held_by is not None,
            "may_pay": row.may_pay,
            "is_ticked": str(row.line_id) in ticked,
            "names_client": several_clients and bool(row.client_name),
            "has_clinician": bool(row.clinician),
            "is_asked_about": bool(asked_on),
            "is_part_paid": row.paid.minor != 0,
            "may_print_superbill": row.may_print_superbill,
        },
    )


def render_history_row(payment: PaymentRow, *, zone: str, several_clients: bool) -> SafeString:
    """One payment of Payment History, with the services that it covered."""
    status = STATUSES[payment.status]
    covered = [_history_line(payment, line, several_clients) for line in payment.lines]
    return _HISTORY_ROW(
        {
            "attempt_id": payment.attempt_id,
            "on": local_day(payment.at, zone),
            "amount": format_money(payment.amount),
            "back": format_money(payment.refunded),
            "covered": mark_safe("".join(covered)),
            "notes": payment.notes,
            "card": name_method(payment),
            "status": badge(status.state, str(status.word)),
        },
        {
            "has_notes": bool(payment.notes),
            "is_refunded": payment.refunded.minor != 0,
            "has_receipt": payment.has_receipt,
        },
    )


def _history_line(payment: PaymentRow, line: PaidLine, several_clients: bool) -> SafeString:
    return _HISTORY_LINE(
        {
            "wording": line.wording or _("Service"),
            "on": day(line.on),
            "client_name": line.client_name,
            "amount": money(line.amount),
        },
        {
            "names_client": several_clients and bool(line.client_name),
            "names_amount": len(payment.lines) > 1 or line.amount != payment.amount,
        },
    )
