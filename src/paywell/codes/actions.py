"""Installing and removing releases. For the command line: no practice owns them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from paywell.audit.actions import record
from paywell.codes.models import CodeRelease, DiagnosisCode
from paywell.codes.order_file import OrderLine, Period
from paywell.core import clock
from paywell.core.errors import UserError

_NOT_A_WORD = re.compile(r"[^0-9a-z.]+")


def install_release(
    *, lines: Iterable[OrderLine], period: Period, source: str, data: bytes = b"", is_complete: bool = True
) -> CodeRelease:
    """Put a release in; one that begins on the same day is replaced. All of it or nothing.

    Raises UserError `release_name` where another release has the name.
    """
    with transaction.atomic():
        CodeRelease.objects.filter(valid_from=period.valid_from).delete()
        if CodeRelease.objects.filter(name=period.name).exists():
            raise UserError(
                f"Another release is called {period.name}. Give this one another name.", code="release_name"
            )
        release = CodeRelease.objects.create(
            name=period.name, valid_from=period.valid_from, valid_until=period.valid_until, source=source[:120],
            is_complete=is_complete, digest=hashlib.sha256(data).hexdigest(), codes=0, installed_at=clock.now(),
        )  # fmt: skip
        rows = [
            DiagnosisCode(
                release=release, code=line.code, is_billable=line.is_billable, description=line.description[:300],
                words=to_words(line)[:330],
            )
            for line in lines
        ]  # fmt: skip
        DiagnosisCode.objects.bulk_create(rows, batch_size=2_000)
        release.codes = len(rows)
        release.save(update_fields=["codes"])
        _tell("codes.install_release", release.id, period.name, release.codes)
    return release


def remove_release(*, name: str) -> None:
    """Take a release out. What was recorded or issued stays as it is. Raises UserError `release_unknown`."""
    with transaction.atomic():
        release = CodeRelease.objects.filter(name=name).first()
        if release is None:
            raise UserError(f"No release is called {name}.", code="release_unknown")
        _tell("codes.remove_release", release.id, name, release.codes)
        release.delete()


def to_words(line: OrderLine) -> str:
    """What the search looks through: a blank before each word, so that a word is found by its beginning alone."""
    return f" {line.code.lower()} {line.code.replace('.', '').lower()} {fold(line.description)}"


def fold(text: str) -> str:
    """Lower case, and blanks for everything that is no letter, digit or dot."""
    return _NOT_A_WORD.sub(" ", text.lower()).strip()


def _tell(action: str, release_id: UUID, name: str, codes: int) -> None:
    record(
        practice_id=None, actor_id=None, action=action, target_kind="code_release", target_id=release_id,
        detail={"name": name, "codes": codes},
    )  # fmt: skip
