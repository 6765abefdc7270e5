"""The pay form's own id: made when the page is built, so that pressing twice finds the same attempt."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.core import signing

from paywell.core import clock
from paywell.core.ids import new_id
from paywell.payments.errors import stale_form
from paywell.payments.payer import Payer
from paywell.payments.types import PayForm

FORM_VALID: Final = timedelta(hours=12)
_SALT: Final = "paywell.payments.form"


def new_form_id(viewer: Payer) -> str:
    """A signed token for one pay form of this viewer: it carries the id of the attempt to be made."""
    content = [str(new_id()), str(viewer.id), str(viewer.account.id), clock.now().isoformat()]
    return signing.dumps(content, salt=_SALT)


def read_form_id(viewer: Payer, token: str) -> UUID:
    """The attempt's id. Raises UserError `stale_form` for one that is old, forged or of another viewer."""
    try:
        attempt_id, user_id, account_id, made_at = signing.loads(token, salt=_SALT)
        age = clock.now() - datetime.fromisoformat(made_at)
    except (signing.BadSignature, ValueError, TypeError):
        raise stale_form() from None
    if age > FORM_VALID or (user_id, account_id) != (str(viewer.id), str(viewer.account.id)):
        raise stale_form()
    return UUID(attempt_id)


def hash_content(form: PayForm) -> str:
    """SHA-256 over what the form says: lines, amount, card, notes, consent.

    Not the single-use token of a new card: a second press makes a new one, and is the same payment.
    """
    content: list[object] = [
        sorted(str(line_id) for line_id in form.line_ids),
        [form.amount.minor, form.amount.currency] if form.amount else None,
        str(form.saved_card_id or ""),
        form.notes,
        form.consent_version,
    ]
    if form.shares:
        content.append(sorted([str(line_id), minor] for line_id, minor in form.shares))
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()
