"""The texts that a practice wrote in place of the standard ones, and how a text becomes an e-mail."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from paywell.accounts.types import Permission, StaffViewer
from paywell.audit.actions import record
from paywell.care.models import CatalogItem
from paywell.core import clock
from paywell.core.db import phase
from paywell.core.errors import NotAllowed, UserError
from paywell.core.prepared import Prepared
from paywell.documents.parts import phone_text
from paywell.documents.text import clean
from paywell.notifications.checks import check_text
from paywell.notifications.kinds import KINDS, NoticeKind
from paywell.notifications.models import NoticeText
from paywell.practice.models import Practice

_log = logging.getLogger("paywell.notifications")
_NAMED = re.compile(r"\{(\w+)\}")
_OWN = Prepared(
    lambda practice, kind: NoticeText.objects.filter(practice_id=practice, kind=kind).select_related("changed_by")
)


@dataclass(frozen=True, slots=True)
class Message:
    """One e-mail's words. `notice` is the key of its kind (`kinds.KINDS`)."""

    subject: str
    body: str
    notice: str


def discreet_name(practice: Practice) -> str:
    """What the practice is called in e-mails: a practice's full name alone can tell too much."""
    return clean(practice.discreet_label or practice.name, limit=60)


def get_text(practice: Practice, kind: NoticeKind) -> NoticeText:
    """The practice's own text, or the standard one (not saved)."""
    own = _OWN.first(practice=practice.id, kind=kind.key)
    return own or NoticeText(practice=practice, kind=kind.key, subject=str(kind.subject), body=kind.body)


def set_text(*, viewer: StaffViewer, kind: NoticeKind, subject: str, body: str) -> NoticeText:
    """Keep the practice's own text from now on. UserError says what can't stand in it (`checks.check_text`)."""
    if not viewer.may(Permission.CHANGE_SETTINGS):
        raise NotAllowed
    subject, body = check_own(viewer.practice, kind, subject, body)
    if (subject, body) == (str(kind.subject), kind.body):
        restore_text(viewer=viewer, kind=kind)
        return get_text(viewer.practice, kind)
    with phase():
        text, _ = NoticeText.objects.update_or_create(
            practice=viewer.practice,
            kind=kind.key,
            defaults={"subject": subject, "body": body, "changed_at": clock.now(), "changed_by_id": viewer.id},
        )
        _record(viewer, "notifications.set_text", kind)
    return text


def restore_text(*, viewer: StaffViewer, kind: NoticeKind) -> None:
    """Back to the standard text. Nothing happens where it is the standard one already."""
    if not viewer.may(Permission.CHANGE_SETTINGS):
        raise NotAllowed
    with phase():
        gone, _ = NoticeText.objects.filter(practice=viewer.practice, kind=kind.key).delete()
        if gone:
            _record(viewer, "notifications.restore_text", kind)


def check_own(practice: Practice, kind: NoticeKind, subject: str, body: str) -> tuple[str, str]:
    """`check_text` with the wordings and codes of the practice's catalogue, which are private too."""
    return check_text(kind, subject, body, private=find_private(practice))


def find_private(practice: Practice) -> set[str]:
    """What stands in the practice's catalogue: it tells of care, whatever it is called. One query."""
    items = CatalogItem.objects.filter(practice=practice).values_list("wording", "code")
    return {part for item in items for part in item if len(part) > 2}


def find_refusal(text: NoticeText, private: Collection[str]) -> str:
    """Why a kept text gives way to the standard one now; empty where it is sent. The catalogue grows after it."""
    try:
        check_text(KINDS[text.kind], text.subject, text.body, private=private)
    except UserError as error:
        return error.message
    return ""


def compose(practice: Practice, key: str, *, link: str, days: int | None = None) -> Message:
    """The e-mail of a kind. An own text that would be refused today gives way to the standard one."""
    kind = KINDS[key]
    text = get_text(practice, kind)
    subject, body = text.subject, text.body
    if text.changed_at is not None:
        try:
            check_own(practice, kind, subject, body)
        except UserError as error:
            _log.warning("own text left aside: practice=%s kind=%s rule=%s", practice.id, key, error.code)
            subject, body = str(kind.subject), kind.body
    return fill(practice, kind, subject, body, link=link, days=days)


def fill(practice: Practice, kind: NoticeKind, subject: str, body: str, *, link: str, days: int | None) -> Message:
    """Values in place of the placeholders, in one pass: a value that looks like a placeholder stays as it is."""
    values = {
        "practice": discreet_name(practice),
        "link": link,
        "phone": phone_text(practice.phone) if practice.phone else "",
        "days": "" if days is None else str(days),
    }
    kept = [part for part in body.split("\n\n") if practice.phone or "{phone}" not in part]
    filled = _fill("\n\n".join(kept), {name: values[name] for name in kind.placeholders})
    line = clean(_fill(subject, {name: values[name] for name in kind.subject_placeholders}), limit=160)
    return Message(subject=line, body=filled + "\n", notice=kind.key)


def _fill(text: str, values: Mapping[str, str]) -> str:
    return _NAMED.sub(lambda found: values.get(found[1], found[0]), text)


def _record(viewer: StaffViewer, action: str, kind: NoticeKind) -> None:
    record(
        practice_id=viewer.practice.id, actor_id=viewer.id, action=action, target_kind="practice",
        target_id=viewer.practice.id, detail={"notice": kind.key},
    )  # fmt: skip
