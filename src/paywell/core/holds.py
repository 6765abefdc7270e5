"""A room below asks whether rooms above hold its rows, without knowing them: a registry of questions.

A room above registers a callable in its AppConfig.ready; the room below asks before it changes a row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from uuid import UUID

Question = Callable[[Collection[UUID]], bool]


class Holds:
    """The callables that say whether any of some rows is held."""

    def __init__(self) -> None:
        self._questions: list[Question] = []

    def register(self, question: Question) -> Question:
        """Ask `question` from now on. Registering it again changes nothing. Usable as a decorator."""
        if question not in self._questions:
            self._questions.append(question)
        return question

    def unregister(self, question: Question) -> None:
        """For tests."""
        self._questions.remove(question)

    def any_held(self, ids: Collection[UUID]) -> bool:
        """Whether anybody holds one of `ids`. Called inside the transaction that is about to change them."""
        return any(question(ids) for question in self._questions)
