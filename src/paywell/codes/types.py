"""What the code sets say of a code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """What a finding means for a document: nothing, look at it, or stop."""

    OK = "ok"
    WARN = "warn"
    BLOCK = "block"


class Finding(StrEnum):
    """What there is to say about a code on a day."""

    VALID = "valid"
    BAD_FORM = "bad_form"
    NOT_COVERED = "not_covered"  #: no installed release is for that day
    NOT_LISTED = "not_listed"  #: the release for that day is an excerpt and lacks the code
    HEADING = "heading"  #: more exact codes stand below it
    NOT_VALID = "not_valid"  #: the release for that day does not have it: deleted, not yet there, or never was


LEVELS = {
    Finding.VALID: Level.OK,
    Finding.BAD_FORM: Level.BLOCK,
    Finding.NOT_COVERED: Level.WARN,
    Finding.NOT_LISTED: Level.WARN,
    Finding.HEADING: Level.BLOCK,
    Finding.NOT_VALID: Level.BLOCK,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the code sets say of `code` on a day. `words` is for staff; empty where all is well.

    A block of HEADING or NOT_VALID may be overridden by a person with a reason; one of BAD_FORM may not.
    """

    code: str
    finding: Finding
    words: str = ""
    description: str = ""

    @property
    def level(self) -> Level:
        return LEVELS[self.finding]

    @property
    def may_be_overridden(self) -> bool:
        return self.finding in (Finding.HEADING, Finding.NOT_VALID)


@dataclass(frozen=True, slots=True)
class FoundCode:
    """One hit of the search."""

    code: str
    description: str
    is_billable: bool
