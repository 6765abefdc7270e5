"""What became of the back-ups: the last one made, and the last one tried out. Stands in a file of the var folder,
outside the database: what is put back from a back-up must not tell of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from paywell.core import clock

FILE_NAME: Final = "backup-news.json"


@dataclass(frozen=True, slots=True)
class Made:
    at: datetime
    size: int  #: bytes


@dataclass(frozen=True, slots=True)
class Failed:
    """The newest try to make one, where it failed."""

    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class TriedOut:
    """A back-up was put into a database of its own and checked there. `why`: what is wrong with it, or nothing."""

    at: datetime
    backup_at: datetime
    seconds: int
    transfers: int
    why: str

    @property
    def is_whole(self) -> bool:
        return not self.why


@dataclass(frozen=True, slots=True)
class BackupNews:
    made: Made | None = None
    failed: Failed | None = None
    tried_out: TriedOut | None = None

    @property
    def is_well(self) -> bool:
        return self.failed is None and (self.tried_out is None or self.tried_out.is_whole)


def is_daily() -> bool:
    """Whether the worker makes them; else whoever runs the installation does so elsewhere."""
    return bool(settings.BACKUPS == "daily")


def get_backup_news() -> BackupNews:
    """One look at the disk. A file that can't be read tells nothing."""
    try:
        told = json.loads(_path().read_text())
        return BackupNews(
            _read(Made, told.get("made")), _read(Failed, told.get("failed")), _read(TriedOut, told.get("tried_out"))
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return BackupNews()


def note_made(at: datetime, size: int) -> None:
    _write(replace(get_backup_news(), made=Made(at, size), failed=None))


def note_failed(why: str) -> None:
    _write(replace(get_backup_news(), failed=Failed(clock.now(), _without_folder(why))))


def note_tried_out(result: TriedOut) -> None:
    _write(replace(get_backup_news(), tried_out=replace(result, why=_without_folder(result.why))))


def _without_folder(words: str) -> str:
    """Staff read it: where on the server the folder is, is nobody's business there."""
    return words.replace(str(Path(settings.VAR)), "var")[:600]


def _read(kind: Any, told: Mapping[str, Any] | None) -> Any:
    if told is None:
        return None
    moments = {key: datetime.fromisoformat(told[key]) for key in ("at", "backup_at") if key in told}
    return kind(**{**told, **moments})


def _write(news: BackupNews) -> None:
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(asdict(news), default=datetime.isoformat))
    new.replace(path)


def _path() -> Path:
    return Path(settings.VAR) / "backups" / FILE_NAME
