"""Reading what a person sent: ids, dates, the pay form. What can't be read is a 404 or a UserError."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from django.http import QueryDict

from paywell.core.errors import NotFoundForViewer, UserError
from paywell.core.money import Money, parse_money
from paywell.core.security_log import access_refused
from paywell.core.typed_days import NO_DAY, parse_day
from paywell.payments.errors import card_missing, notes_too_long, nothing_chosen, stale_form, too_many_lines
from paywell.payments.forms import read_form_id
from paywell.payments.payer import Payer
from paywell.payments.types import LINES_MAX, NOTES_MAX, PayForm
from paywell.portal.words import CONSENTS
from paywell.processors.contract import Style

NEW_CARD = "new"


def read_ids(viewer: Payer, values: Iterable[str], kind: str) -> tuple[UUID, ...]:
    """The ids in their order, each once. Text that is no id can only be forged: NotFoundForViewer."""
    ids: dict[UUID, None] = {}
    for value in values:
        try:
            ids[UUID(value)] = None
        except ValueError:
            access_refused(viewer=viewer, kind=kind, target=value, reason="not an id")
            raise NotFoundForViewer from None
    return tuple(ids)


def read_lines(viewer: Payer, values: Iterable[str]) -> tuple[UUID, ...]:
    """The ticked services. Raises UserError for none or too many."""
    ids = read_ids(viewer, values, "line")
    if not ids:
        raise nothing_chosen()
    if len(ids) > LINES_MAX:
        raise too_many_lines()
    return ids


def read_pay_form(viewer: Payer, data: QueryDict, style: Style) -> PayForm:
    """The window's form, parsed; nothing in it is believed about money of several services.

    Raises UserError for what the person can put right, NotFoundForViewer for what only a forger sends.
    """
    lines = read_lines(viewer, data.getlist("line"))
    attempt_id = read_form_id(viewer, data.get("form", ""))
    text = data.get("amount")
    amount = None if text is None else parse_amount(text, viewer.account.currency)
    notes = data.get("notes", "").replace("\r\n", "\n").strip()
    if len(notes) > NOTES_MAX:
        raise notes_too_long()
    if style is Style.TWO_STEP:
        return PayForm(attempt_id=attempt_id, line_ids=lines, amount=amount, notes=notes)
    chosen = data.get("card", "")
    token = data.get("card_token", "").strip()[:200]
    if chosen == "" or (chosen == NEW_CARD and not token):
        raise card_missing()
    if chosen != NEW_CARD:
        (card_id,) = read_ids(viewer, [chosen], "card")
        return PayForm(attempt_id=attempt_id, line_ids=lines, amount=amount, notes=notes, saved_card_id=card_id)
    return PayForm(
        attempt_id=attempt_id,
        line_ids=lines,
        amount=amount,
        notes=notes,
        card_token=token,
        consent_version=read_consent(data),
    )


def read_consent(data: QueryDict) -> str:
    """The version of the wording beside the ticked box; empty where it was not ticked.

    A version that never stood on a page can't be consented to: the page is taken as too old.
    """
    if data.get("save_card") is None:
        return ""
    version = data.get("consent_version", "")
    if version not in CONSENTS:
        raise stale_form()
    return version


def parse_amount(text: str, currency: str) -> Money:
    """`parse_money`, with the error placed at the amount's field."""
    try:
        return parse_money(text, currency)
    except UserError as error:
        raise UserError(error.message, code=error.code, field="amount") from None


def read_day(data: QueryDict, name: str) -> date | None:
    """A day of a filter, None where it is empty. Raises UserError where it is no day."""
    text = data.get(name, "").strip()
    if not text:
        return None
    day = parse_day(text)
    if day is None:
        raise UserError(str(NO_DAY), code="date_invalid", field=name)
    return day


def read_page(data: QueryDict) -> int:
    """The number of a page of a list; the first where it can't be read."""
    text = data.get("page", "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 and int(text) > 0 else 1
