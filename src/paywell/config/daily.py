"""The worker's own back-ups: one a day, the newest of which is tried out once a week."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

from paywell.config.backups import Backup, BackupError, get_folder, make_backup, note_of
from paywell.core import clock
from paywell.core.backup_news import get_backup_news, note_failed, note_made

PREFIX: Final = "daily"
#: So many stay; older ones make room.
KEPT: Final = 14
_EVERY: Final = timedelta(days=1)
_AFTER_FAILURE: Final = timedelta(hours=6)
_DRILL_EVERY: Final = timedelta(days=7)


def is_backup_due() -> bool:
    news, now = get_backup_news(), clock.now()
    if news.failed is not None and now - news.failed.at < _AFTER_FAILURE:
        return False
    return news.made is None or now - news.made.at >= _EVERY


def is_drill_due() -> bool:
    """Once a week; a back-up that was not whole is followed by the next day's."""
    news, now = get_backup_news(), clock.now()
    if news.made is None:
        return False
    last = news.tried_out
    return last is None or now - last.at >= (_DRILL_EVERY if last.is_whole else _EVERY)


def make_daily_backup() -> Backup:
    """Make it, note it, and remove those that are too old. Raises BackupError, which is noted as well."""
    try:
        backup = make_backup(prefix=PREFIX)
    except (BackupError, OSError) as error:
        note_failed(str(error))
        raise BackupError(str(error)) from None
    note_made(backup.made_at, backup.path.stat().st_size)
    for path in list_daily()[KEPT:]:
        path.unlink(missing_ok=True)
        note_of(path).unlink(missing_ok=True)
    return backup


def list_daily() -> list[Path]:
    """The files of the daily back-ups, the newest first: their names begin with the moment."""
    found = get_folder().glob(f"{PREFIX}-*")
    return sorted((path for path in found if path.suffix in (".sqlite3", ".pgdump")), reverse=True)
