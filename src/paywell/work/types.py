"""What a kind of work hands to the room, and gets from it."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do. `label` is for the screen, `data` for the kind; nothing clinical in either."""

    subject_id: UUID | None = None
    label: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to keep with the work. Its name is unique there."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Done:
    """The item is done; its files are stored in the same transaction that says so. `words` tell what was done."""

    files: Sequence[NewFile] = ()
    words: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Nothing was done for the item; `words` tell staff why."""

    words: str


Result = Done | Skipped


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of the whole: `summary["lines"]` for the screen, and files, beside those of items or instead."""

    summary: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[NewFile] = ()
    replaces_item_files: bool = False


#: A finish that is done in pieces.
Finishing = Generator[None, None, Finished]
