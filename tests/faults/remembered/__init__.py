"""Django's SQL, built once for each form of a query instead of each time it runs.

A history is some two hundred statements, and building them is half of its work. The same few hundred forms come in
every history, so a process keeps them: a queryset only notes what is asked of it, and where the same has been asked
before, the SQL that Django made of it then is sent again with the new values. What can't be noted or remembered is
built by Django as ever.

The simulation alone does this. That it changes no statement is tried, not believed: with `Mode.COMPARED` each
remembered statement is built by Django as well, and must be the same to the letter, with the same values.
"""

from __future__ import annotations

import os
from enum import StrEnum


class Mode(StrEnum):
    REMEMBERED = "remembered"
    COMPARED = "compared"  #: built each time too, and an error if they differ
    PLAIN = "plain"  #: Django as it is, without `lean` too


def get_mode() -> Mode:
    """As the environment says. Raises ValueError for a word that is none of the modes."""
    return Mode(os.environ.get("PAYWELL_FAULT_SQL", Mode.REMEMBERED))


def switch_on() -> None:
    """For the whole process: managers hand out querysets that remember, and so do inserts."""
    from django.db.models import Manager

    from tests.faults.remembered import inserts, plans, querysets, subqueries

    plans.is_compared = inserts.is_compared = get_mode() is Mode.COMPARED
    Manager._queryset_class = querysets.Remembered  # type: ignore[attr-defined]
    inserts.switch_on()
    subqueries.switch_on()
