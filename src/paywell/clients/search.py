"""The words by which clients are found: a table with an index, so that a search reads what fits and no more.

Each word of a name, e-mail address, phone or number stands in it, folded; a search is by the beginnings of words.
It is kept by the same transaction that writes the client, and can be made anew from the clients at any time.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.lookups import BuiltinLookup

from paywell.clients.models import Client, SearchWord

#: Words of one search that count; longer words are cut, here as there.
MOST_WORDS: Final = 8
MAX_LENGTH: Final = 40
CHUNK: Final = 500
_PARTS: Final = re.compile(r"[^\W_]+")
#: Ends of a phone number that people type: without the country, without the area, the last four.
_PHONE_ENDS: Final = (10, 7, 4)


def split_words(text: str) -> list[str]:
    """`Zoë O'Brien` is `zoe`, `o`, `brien`: no case, no accents, no signs."""
    plain = "".join(
        each for each in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(each)
    )
    return [part[:MAX_LENGTH] for part in _PARTS.findall(plain)]


def make_words(client: Any) -> set[str]:
    """Every word of one client. Names with signs in them are found written together, too."""
    email = split_words(client.email)
    # Its end (`org`) says nothing about anybody.
    words: set[str] = {*email[:-1], _join(email)}
    for text in (
        *f"{client.legal_first_name} {client.legal_last_name} {client.preferred_name}".split(),
        client.external_id,
    ):
        parts = split_words(text)
        words |= {*parts, _join(parts)}
    digits = "".join(split_words(client.phone))
    words |= {digits, *(digits[-end:] for end in _PHONE_ENDS)}
    return words - {""}


def find_clients(rows: QuerySet[Client], practice_id: UUID, text: str) -> QuerySet[Client]:
    """Those of `rows` of which every word of `text` begins a word. None where `text` has no letter and no digit."""
    words: list[str] = []
    for typed in text.split():
        parts = split_words(typed)
        words += [_join(parts)] if "@" in typed and parts else parts
    words = words[:MOST_WORDS]
    if not words:
        return rows.none()
    # The longest first: it is likely to fit the fewest.
    for word in sorted(set(words), key=len, reverse=True):
        found = SearchWord.objects.filter(_begins(word), practice=practice_id)
        rows = rows.filter(pk__in=found.values("client"))
    return rows


def _join(parts: list[str]) -> str:
    return "".join(parts)[:MAX_LENGTH]


def index_client(client: Client) -> None:
    """Bring the words of one client up to date. Inside the transaction that writes the client."""
    wanted = make_words(client)
    rows = SearchWord.objects.filter(practice=client.practice_id, client=client)
    had = set(rows.values_list("word", flat=True))
    rows.filter(word__in=had - wanted).delete()
    SearchWord.objects.bulk_create(
        SearchWord(practice_id=client.practice_id, client=client, word=word) for word in sorted(wanted - had)
    )


def rebuild(clients: Any = Client, words: Any = SearchWord) -> int:
    """Make all words of all clients anew; gives how many clients there are. The models are named by a migration."""
    count = 0
    with transaction.atomic():
        words.objects.all().delete()
        fresh: list[Any] = []
        for client in clients.objects.order_by("id").iterator(CHUNK):
            count += 1
            fresh += [
                words(practice_id=client.practice_id, client_id=client.pk, word=word)
                for word in sorted(make_words(client))
            ]
            if len(fresh) >= CHUNK:
                words.objects.bulk_create(fresh)
                fresh = []
        words.objects.bulk_create(fresh)
    return count


class _AtLeast(BuiltinLookup[Any]):
    """In PostgreSQL's order by bytes, which the index has.

    Unlike LIKE it is leakproof: only so may the index answer behind the wall between practices (row security).
    """

    lookup_name = "at_least_by_bytes"

    def get_rhs_op(self, connection: Any, rhs: str) -> str:
        return f"~>=~ {rhs}"


class _Below(BuiltinLookup[Any]):
    """The same for what comes before."""

    lookup_name = "below_by_bytes"

    def get_rhs_op(self, connection: Any, rhs: str) -> str:
        return f"~<~ {rhs}"


def _begins(word: str) -> Q:
    """Asked as the index can answer: as a range, from the word to the last that begins with it."""
    end = f"{word}\U0010ffff"
    if connection.vendor == "postgresql":
        return Q(_AtLeast(F("word"), word), _Below(F("word"), end))
    return Q(word__gte=word, word__lt=end)
