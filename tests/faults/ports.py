"""Time, identifiers, e-mails and queued jobs of the product, in the simulation's hands.

Patched from outside, once for the process; each history then says what it wants of them. Nothing in the product
knows of it.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django_tasks.backends.base import BaseTaskBackend

#: When every history begins: half an hour past midnight where the practice is, in the night in which clocks are put
#: back, so that an hour comes twice early in each.
EPOCH = datetime(2026, 11, 1, 4, 30, tzinfo=UTC)


class Hands(Protocol):
    """What a history gives the product."""

    def now(self) -> datetime: ...
    def queue(self, work: Any, name: str) -> None: ...
    def mail(self, message: EmailMessage) -> None: ...


class Ports:
    """The one place through which the product reaches the simulation."""

    hands: Hands | None = None
    ids: Ids


class Ids:
    """Identifiers drawn from the seed. They rise, as real ones do."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.number = 0

    def uuid7(self) -> uuid.UUID:
        self.number += 1
        at = int(now().timestamp() * 1000) & (2**48 - 1)
        value = at << 80 | 0x7 << 76 | (self.number & 0xFFF) << 64 | 0b10 << 62 | self.random.getrandbits(62)
        return uuid.UUID(int=value)

    # Stands in for the module `secrets`.

    def token_hex(self, size: int) -> str:
        return f"{self.random.getrandbits(size * 8):0{size * 2}x}"

    def token_urlsafe(self, size: int) -> str:
        return self.token_hex(size)

    def choice(self, options: Sequence[str]) -> str:
        return self.random.choice(options)


def now() -> datetime:
    return Ports.hands.now() if Ports.hands is not None else EPOCH


def take_over() -> None:
    """Patch clock and identifiers. The default functions of the models' fields look them up here each time."""
    from paywell.core import clock, ids, prepared

    Ports.ids = Ids("world")
    # Compiling a query takes stand-ins, once in a process: they must not use up the history's own.
    real = random.Random(7)
    prepared.new_id = lambda: uuid.UUID(int=real.getrandbits(128))  # type: ignore[assignment]
    prepared.new_key = lambda: f"{real.getrandbits(128):032x}"  # type: ignore[assignment]
    clock.now = now
    ids.uuid7 = lambda: Ports.ids.uuid7()
    ids.secrets = _Secrets()  # type: ignore[assignment]


class _Secrets:
    def __getattr__(self, name: str) -> Any:
        return getattr(Ports.ids, name)


class QueueBackend(BaseTaskBackend):
    """Jobs that were queued wait for a worker, also over a crash: in the product they are rows."""

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        if Ports.hands is not None:
            Ports.hands.queue(lambda: task.func(*args, **kwargs), task.func.__name__)


class MailBackend(BaseEmailBackend):
    """Hands each e-mail to the history's mail server."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            if Ports.hands is not None:
                Ports.hands.mail(message)
        return len(email_messages)
