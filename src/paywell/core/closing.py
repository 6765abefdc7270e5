"""Whether payments are closed for a restore, or by hand. Stands in a file of the var folder, outside the database:
what is put back from a back-up must not decide it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings

from paywell.core import clock

FILE_NAME: Final = "payments-closed.json"


@dataclass(frozen=True, slots=True)
class Closing:
    """`is_replacing`: the database itself is being put back just now, so no page can answer."""

    reason: str
    closed_at: str
    is_replacing: bool


def get_closing() -> Closing | None:
    """None while payments are open. One look at the disk. A file that can't be read closes them, too."""
    try:
        told = json.loads(_path().read_text())
        return Closing(str(told["reason"]), str(told["closed_at"]), told["is_replacing"] is True)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return Closing("unreadable", "", is_replacing=False)


def close_payments(reason: str, *, is_replacing: bool = False) -> None:
    """From now on no payment and no refund begins, in every process of this machine."""
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"reason": reason, "closed_at": clock.now().isoformat(), "is_replacing": is_replacing}
    new = path.with_suffix(".new")
    new.write_text(json.dumps(told))
    new.replace(path)


def open_payments() -> None:
    _path().unlink(missing_ok=True)


def _path() -> Path:
    return Path(settings.VAR) / FILE_NAME
