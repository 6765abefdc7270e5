"""Who hears of which kind of event. Rooms above register in their AppConfig.ready."""

from __future__ import annotations

from collections.abc import Callable

from paywell.outbox.models import OutboxEvent

Handler = Callable[[OutboxEvent], None]

_handlers: dict[str, list[Handler]] = {}


def register(kind: str, handler: Handler) -> Handler:
    """Hand every event of `kind` to `handler` from now on. Registering it again changes nothing.

    A handler may see the same event twice (its id stays the same) and raises where it could not do its part.
    """
    known = _handlers.setdefault(kind, [])
    if handler not in known:
        known.append(handler)
    return handler


def unregister(kind: str, handler: Handler) -> None:
    """For tests."""
    _handlers[kind].remove(handler)


def get_handlers(kind: str) -> tuple[Handler, ...]:
    return tuple(_handlers.get(kind, ()))
