"""Whether a text that a practice typed may leave in an e-mail. Each refusal says what to change.

The words may hold nothing that tells of care, of a person or of money: they lie open on lock screens.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection
from typing import Final, NoReturn

from django.utils.translation import gettext as _

from paywell.core.errors import UserError
from paywell.notifications.kinds import NoticeKind

SUBJECT_MAX: Final = 100
BODY_MAX: Final = 2000

#: ICD-10-CM (F41.1, F411), and the five places that service codes share (H0004).
_CODE = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]\d[0-9A-Za-z](?:\.?[0-9A-Za-z]{1,4})?(?![A-Za-z0-9])")
#: ICD-9 and older manuals (296.32), and any five figures, which read as a service's code.
_FIGURES = re.compile(r"(?<![\d.,])(?:\d{3}\.(?!\d0)\d{1,2}|\d{5})(?![\d])")
_AMOUNT = re.compile(
    r"\d[.,]\d{2}(?!\d)|\d,\d{3}|\b(?:usd|eur|gbp|cad)\b|\d+\s*(?:dollars?|bucks|cents?)\b|\bdollars?\b",
    re.IGNORECASE,
)
#: Parts of words that tell of care, whoever reads them.
_CARE = re.compile(
    r"\b(?:diagnos\w*|disorder\w*|therap\w*|psych\w*|counsel\w*|treatment\w*|depress\w*|anxiety|anxious|trauma\w*|"
    r"medicat\w*|symptom\w*|addict\w*|substance\w*|mental\w*|bipolar|adhd|ptsd|autis\w*|suicid\w*|sessions?)\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"https?:|\bwww\.", re.IGNORECASE)
_NAMED = re.compile(r"\{([^{}]*)\}")


def check_text(kind: NoticeKind, subject: str, body: str, *, private: Collection[str] = ()) -> tuple[str, str]:
    """The two as they are to be kept: ends trimmed, line ends alike. `private` are wordings of the practice's own.

    Raises UserError at the field `subject` or `body`.
    """
    return check_subject(kind, subject, private=private), check_body(kind, body, private=private)


def check_subject(kind: NoticeKind, subject: str, *, private: Collection[str] = ()) -> str:
    """The subject as it is to be kept. Raises UserError at the field `subject`."""
    subject = subject.strip()
    if any(unicodedata.category(char) in ("Cc", "Zl", "Zp") for char in subject):
        raise UserError(
            _("The subject is one line. Take the line break out."), code="subject_lines", field="subject"
        )
    _check(subject, "subject", SUBJECT_MAX, kind.subject_placeholders, private)
    return subject


def check_body(kind: NoticeKind, body: str, *, private: Collection[str] = ()) -> str:
    """The body as it is to be kept. Raises UserError at the field `body`."""
    body = "\n".join(line.rstrip() for line in body.strip().splitlines())
    _check(body, "body", BODY_MAX, kind.placeholders, private)
    if "{link}" not in body:
        raise UserError(
            _("Put {link} into the text: without it nobody knows where to go."), code="link_missing", field="body"
        )
    return body


def _check(text: str, field: str, longest: int, allowed: Collection[str], private: Collection[str]) -> None:
    def refuse(words: str, code: str) -> NoReturn:
        raise UserError(words, code=code, field=field)

    if not text:
        refuse(_("Write something, or restore the standard text."), f"{field}_missing")
    if len(text) > longest:
        refuse(_("Use at most %(count)d characters.") % {"count": longest}, f"{field}_too_long")
    if any(unicodedata.category(char) in ("Cf", "Cs", "Co", "Cn", "Zl", "Zp") for char in text) or re.search(
        r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text
    ):
        refuse(_("It holds characters that can't be seen. Type it again as plain text."), "invisible")
    for name in _NAMED.findall(text):
        if name not in allowed:
            refuse(
                _("{%(name)s} can't stand here. What can: %(allowed)s.")
                % {"name": name[:40], "allowed": ", ".join(f"{{{one}}}" for one in allowed)},
                "unknown_placeholder",
            )
    plain = unicodedata.normalize("NFKC", _NAMED.sub(" ", text))
    if "{" in plain or "}" in plain:
        refuse(_("A brace stands alone. Braces are for placeholders like {practice}."), "stray_brace")
    _check_private(plain, private, refuse)


def _check_private(plain: str, private: Collection[str], refuse: Callable[[str, str], NoReturn]) -> None:
    why = _("E-mails lie open on lock screens.")
    found = _CODE.search(plain) or _FIGURES.search(plain)
    if found:
        words = _("“%(found)s” reads as the code of a diagnosis or a service. Leave it out.") % {"found": found[0]}
        refuse(f"{words} {why}", "code")
    if any(unicodedata.category(char) == "Sc" for char in plain) or _AMOUNT.search(plain):
        refuse(f"{_('Leave amounts of money out.')} {why}", "amount")
    care = _CARE.search(plain)
    if care:
        words = _("“%(found)s” tells of care. Say it without.") % {"found": care[0]}
        refuse(f"{words} {why}", "care")
    folded = " ".join(plain.casefold().split())
    for wording in private:
        if wording and " ".join(wording.casefold().split()) in folded:
            words = _("“%(found)s” stands in the catalogue. Say it without.") % {"found": wording}
            refuse(f"{words} {why}", "wording")
    if _ADDRESS.search(plain):
        refuse(_("Type no address. {link} puts the right one in."), "address")
