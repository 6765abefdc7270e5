"""Every kind of review that a room opens is told in words: what happened, the client's money, what to do."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import paywell.payments
from paywell.desk.review_words import REVIEW_WORDS, say_review

ROOM = Path(paywell.payments.__file__).parent
#: Calls that open a review, and where its kind stands among what they are given.
OPENS = {"open_review": None, "review": 0, "_suspend": 0, "_review": 1, "_alert": 1, "_ask_about": 1}


def find_kinds() -> Iterator[str]:
    for path in ROOM.glob("*.py"):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield from read_call(node)
            if isinstance(node, ast.FunctionDef) and node.name == "find_objection":
                for said in ast.walk(node):
                    if isinstance(said, ast.Return) and isinstance(said.value, ast.Constant) and said.value.value:
                        yield str(said.value.value)


def read_call(node: ast.Call) -> Iterator[str]:
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if name not in OPENS:
        return
    given = [word.value for word in node.keywords if word.arg == "kind"]
    place = OPENS[name]
    if place is not None and len(node.args) > place:
        given.append(node.args[place])
    for value in given:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value


#: Made of a word and a state.
COMPOSED = {"dispute_open", "dispute_won", "dispute_lost"}


def test_every_kind_that_is_opened_has_words_and_no_words_are_left_over() -> None:
    assert set(find_kinds()) | COMPOSED == set(REVIEW_WORDS)


def test_the_books_and_what_nobody_foresaw_have_words_too() -> None:
    assert "check of the books" in str(say_review("books_law_4").title)
    assert "needs a person" in str(say_review("something_new").title)


def test_no_words_are_made_of_the_kind_or_leave_a_part_out() -> None:
    for kind, words in REVIEW_WORDS.items():
        parts = [str(part) for part in (words.title, words.happened, words.money, words.to_do)]
        assert all(len(part) > 10 for part in parts)
        assert kind.replace("_", " ").capitalize() not in parts
