"""What services of a practice are called: few wordings and codes, each of thousands of services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection

#: A practice that writes its wordings by hand may have more: then the services themselves are asked.
MOST: Final = 300
_STEPS: Final = """
    WITH RECURSIVE wordings (value, place) AS (
        SELECT MIN(wording), 1 FROM care_service WHERE practice_id = %(practice)s
        UNION ALL
        SELECT (
            SELECT MIN(wording) FROM care_service WHERE practice_id = %(practice)s AND wording > wordings.value
        ), place + 1
        FROM wordings WHERE value IS NOT NULL AND place <= %(most)s
    ), codes (value, place) AS (
        SELECT MIN(code), 1 FROM care_service WHERE practice_id = %(practice)s
        UNION ALL
        SELECT (
            SELECT MIN(code) FROM care_service WHERE practice_id = %(practice)s AND code > codes.value
        ), place + 1
        FROM codes WHERE value IS NOT NULL AND place <= %(most)s
    )
    SELECT 'wording', value FROM wordings WHERE value IS NOT NULL
    UNION ALL
    SELECT 'code', value FROM codes WHERE value IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Wordings:
    """Each once. `is_whole` is False where there are more than MOST of a kind."""

    wordings: tuple[str, ...]
    codes: tuple[str, ...]
    is_whole: bool


def list_wordings(practice_id: UUID) -> Wordings:
    """Wordings and codes of the practice's services. One query.

    It steps through an index from one to the next, so it takes as long as there are different ones; DISTINCT would
    read every service.
    """
    key = practice_id if connection.features.has_native_uuid_field else practice_id.hex
    with connection.cursor() as cursor:
        cursor.execute(_STEPS, {"practice": key, "most": MOST})
        rows = cursor.fetchall()
    kinds = [tuple(value for kind, value in rows if kind == each) for each in ("wording", "code")]
    return Wordings(kinds[0], kinds[1], max(map(len, kinds)) <= MOST)
