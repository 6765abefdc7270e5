"""Finds the clinician whom a row means."""

from __future__ import annotations

from paywell.practice.models import Clinician, Practice


class Clinicians:
    """The practice's clinicians by external id and by name. One query."""

    def __init__(self, practice: Practice) -> None:
        rows = list(Clinician.objects.filter(practice=practice).order_by("is_active", "name"))
        self.active = [row for row in rows if row.is_active]
        self._by_text: dict[str, list[Clinician]] = {}
        for row in rows:
            keys = {_key(row.name), _key(str(row)), row.external_id.lower(), row.npi} - {""}
            for key in keys:
                self._by_text.setdefault(key, []).append(row)

    def find(self, text: str) -> Clinician | None:
        """By external id, NPI, "Mara Feldt", "Feldt, Mara" or "Mara Feldt, LCSW". None if none or several fit."""
        found = self._by_text.get(text.strip().lower()) or self._by_text.get(_key(text)) or []
        if not found and "," in text:
            head, _, tail = text.partition(",")
            found = self._by_text.get(_key(f"{tail} {head}")) or self._by_text.get(_key(head)) or []
        return found[0] if len({row.id for row in found}) == 1 else None

    def only_one(self) -> Clinician | None:
        """The clinician of a practice that has one."""
        return self.active[0] if len(self.active) == 1 else None


def _key(text: str) -> str:
    return " ".join(text.replace(",", " ").replace(".", " ").lower().split())
