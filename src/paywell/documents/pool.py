"""Renders many documents at once, in processes of their own: Typst is no faster with threads.

The processes know no database: a document goes in as its frozen data and comes out as PDF. They are renewed after
`RENEW_AFTER` documents, since Typst's memory creeps, and end with the process that made them, however that ends.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from multiprocessing import connection, get_context, parent_process
from typing import Any, Final

PROCESSES: Final = min(4, os.cpu_count() or 1)
RENEW_AFTER: Final = 1_000

_pool: ProcessPoolExecutor | None = None


def render_frozen(data: dict[str, Any]) -> bytes:
    """A document as PDF from what is kept of it (`frozen.dump`)."""
    # Not above: a new process reads this module before Django is set up in it.
    from paywell.documents.frozen import load
    from paywell.documents.pdf import render

    return render(load(data))


def render_many(documents: Iterable[dict[str, Any]], *, in_processes: bool) -> Iterator[bytes]:
    """The documents as PDF, in their order. Each is sent off as soon as the iterable gives it.

    Without processes (a few documents are not worth their start) they are rendered here, one after the other.
    """
    if not in_processes:
        yield from map(render_frozen, documents)
        return
    try:
        sent: list[Future[bytes]] = [_get_pool().submit(render_frozen, each) for each in documents]
        for future in sent:
            yield future.result()
    except BrokenExecutor:
        close_pool()
        raise


def close_pool() -> None:
    """End the processes; the next batch starts them again."""
    global _pool
    if _pool is not None:
        _pool.shutdown(wait=False, cancel_futures=True)
        _pool = None


def _get_pool() -> ProcessPoolExecutor:
    global _pool
    if _pool is None:
        _pool = ProcessPoolExecutor(
            PROCESSES, mp_context=get_context("spawn"), initializer=_prepare, max_tasks_per_child=RENEW_AFTER
        )
    return _pool


def _prepare() -> None:
    """In each new process: Django's settings and translations, and an end when the parent is gone."""
    import django

    threading.Thread(target=_end_with_parent, daemon=True).start()
    django.setup()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        if "paywell.documents.pdf" in sys.modules:
            sys.modules["paywell.documents.pdf"].remove_folders()
        os._exit(0)
