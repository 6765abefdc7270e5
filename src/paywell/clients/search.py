"""The words by which clients and accounts are found: tables with an index, so that a search reads
what fits and no more.

Each word of a client's name, e-mail address, phone or number stands in one, each word of an account's name in the
other, folded; a search is by the beginnings of words. They are kept by the same transaction that writes the client
or the account, and can be made anew from these at any time.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from paywell.clients.models import AccountWord, BillingAccount, Client, SearchWord
from paywell.core.beginnings import begins

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


def make_account_words(account: Any) -> set[str]:
    """Every word of an account's name, those with signs in them written together, too."""
    words: set[str] = set()
    for text in account.name.split():
        parts = split_words(text)
        words |= {*parts, _join(parts)}
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
    first, *others = sorted(set(words), key=len, reverse=True)
    for word in (first, *others):
        found = SearchWord.objects.filter(begins("word", word), practice=practice_id)
        if len(word) == 1 and word != first:
            # Begins a word of nearly everybody: asked of each whom the longer ones leave.
            rows = rows.filter(Exists(found.filter(client=OuterRef("pk"))))
        else:
            rows = rows.filter(pk__in=found.values("client"))
    return rows


def find_accounts_called(practice_id: UUID, word: str) -> QuerySet[BillingAccount, UUID]:
    """The ids of the accounts of whose name `word` begins a word; with signs in it, each of its parts."""
    rows = BillingAccount.objects.filter(practice=practice_id)
    parts = split_words(word)
    for part in parts:
        found = AccountWord.objects.filter(begins("word", part), practice=practice_id)
        rows = rows.filter(pk__in=found.values("account"))
    return (rows if parts else rows.none()).values_list("id", flat=True)


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


def index_account(account: BillingAccount) -> None:
    """The same for an account's name. Inside the transaction that writes the account."""
    wanted = make_account_words(account)
    rows = AccountWord.objects.filter(practice=account.practice_id, account=account)
    had = set(rows.values_list("word", flat=True))
    rows.filter(word__in=had - wanted).delete()
    AccountWord.objects.bulk_create(
        AccountWord(practice_id=account.practice_id, account=account, word=word) for word in sorted(wanted - had)
    )


def rebuild(clients: Any = Client, words: Any = SearchWord) -> int:
    """Make all words of all clients anew; gives how many clients there are. The models are named by a migration."""
    return _rebuild(clients, words, "client_id", make_words)


def rebuild_accounts(accounts: Any = BillingAccount, words: Any = AccountWord) -> int:
    """The same for the accounts."""
    return _rebuild(accounts, words, "account_id", make_account_words)


def _rebuild(models: Any, words: Any, key: str, make: Callable[[Any], set[str]]) -> int:
    count = 0
    with transaction.atomic():
        words.objects.all().delete()
        fresh: list[Any] = []
        for row in models.objects.order_by("id").iterator(CHUNK):
            count += 1
            fresh += [words(practice_id=row.practice_id, word=word, **{key: row.pk}) for word in sorted(make(row))]
            if len(fresh) >= CHUNK:
                words.objects.bulk_create(fresh)
                fresh = []
        words.objects.bulk_create(fresh)
    return count
