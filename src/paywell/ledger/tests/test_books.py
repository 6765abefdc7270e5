from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paywell.core.errors import PaywellError
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.ledger.actions import GENESIS, Line, Posting, Side, SourceConflict, post, transfer_hash
from paywell.ledger.books import find_broken_links, find_drift, rebuild_balances
from paywell.ledger.models import AccountBalance, AccountKind, LedgerAccount, LineBalance, Transfer
from paywell.ledger.queries import get_account_balance, get_line_balances, get_listed_balance

pytestmark = pytest.mark.django_db


class Books:
    """One practice with one billing account, and short words for what is posted."""

    def __init__(self) -> None:
        self.practice, self.owner, self.processor = new_id(), new_id(), new_id()
        self.receivable = Side(AccountKind.RECEIVABLE, self.owner)
        self.credit = Side(AccountKind.CLIENT_CREDIT, self.owner)
        self.income = Side(AccountKind.INCOME, self.practice)
        self.clearing = Side(AccountKind.CLEARING, self.processor)

    def post(self, source: str, *postings: Posting) -> list[Transfer]:
        with transaction.atomic():
            return post(
                practice_id=self.practice,
                book_owner_id=self.owner,
                source=source,
                postings=postings,
                actor_id=None,
            )

    def charge(self, line_id: UUID, minor: int) -> list[Transfer]:
        line = Line(line_id, on=date(2026, 11, 3))
        return self.post(f"invoice:{line_id}", Posting(self.receivable, self.income, Money(minor), line))

    def pay(self, source: str, line_id: UUID, minor: int) -> list[Transfer]:
        return self.post(source, Posting(self.clearing, self.receivable, Money(minor), Line(line_id)))


def test_transfers_of_a_book_are_one_chain() -> None:
    books, line = Books(), new_id()
    books.charge(line, 12000)
    books.pay("payment:1", line, 5000)
    rows = list(Transfer.objects.filter(practice_id=books.practice).order_by("seq"))
    assert [row.seq for row in rows] == [1, 2]
    assert [row.prev_hash for row in rows] == [GENESIS, rows[0].hash]
    assert all(row.hash == transfer_hash(row) for row in rows)
    assert find_broken_links(books.practice) == []


def test_a_transfer_that_does_not_fit_the_chain_is_found() -> None:
    books, line = Books(), new_id()
    [row] = books.charge(line, 12000)
    forged = Transfer(**{f.attname: getattr(row, f.attname) for f in Transfer._meta.concrete_fields})
    forged.id, forged.seq, forged.source, forged.amount_minor = new_id(), 2, "forged:1", 1
    forged.save(force_insert=True)
    assert find_broken_links(books.practice) == [forged.id]


def test_f80_the_same_source_is_posted_once() -> None:
    books, line = Books(), new_id()
    books.charge(line, 12000)
    first = books.pay("payment:1", line, 5000)
    again = books.pay("payment:1", line, 5000)
    assert [row.id for row in again] == [row.id for row in first]
    assert Transfer.objects.filter(practice_id=books.practice).count() == 2
    assert get_line_balances(practice_id=books.practice, line_ids=[line]) == {line: 7000}
    assert find_drift(books.practice) == {}


@pytest.mark.parametrize("change", ["amount", "line", "account", "legs"])
def test_the_same_source_with_other_content_is_a_conflict(change: str) -> None:
    books, line = Books(), new_id()
    books.charge(line, 12000)
    books.pay("payment:1", line, 5000)
    usual = Posting(books.clearing, books.receivable, Money(5000), Line(line))
    other = {
        "amount": [Posting(books.clearing, books.receivable, Money(5001), Line(line))],
        "line": [Posting(books.clearing, books.receivable, Money(5000), Line(new_id()))],
        "account": [Posting(books.clearing, books.credit, Money(5000), Line(line))],
        "legs": [usual, usual],
    }[change]
    with pytest.raises(SourceConflict):
        books.post("payment:1", *other)
    assert Transfer.objects.filter(practice_id=books.practice).count() == 2


@pytest.mark.parametrize("minor", [0, -5])
def test_a_posting_moves_more_than_zero(minor: int) -> None:
    books = Books()
    with pytest.raises(ValueError, match="more than zero"):
        books.pay("payment:1", new_id(), minor)


@pytest.mark.django_db(transaction=True)
def test_the_ledger_is_written_only_inside_a_transaction() -> None:
    with pytest.raises(PaywellError):
        post(
            practice_id=new_id(),
            book_owner_id=new_id(),
            source="payment:1",
            postings=[Posting(Books().clearing, Books().receivable, Money(1))],
            actor_id=None,
        )
    assert not Transfer.objects.exists()


def test_f77_wrong_balances_are_found_and_rebuilt() -> None:
    books, line = Books(), new_id()
    books.charge(line, 12000)
    account = LedgerAccount.objects.get(practice_id=books.practice, kind=AccountKind.RECEIVABLE)
    AccountBalance.objects.filter(account=account).update(balance_minor=1)
    LineBalance.objects.filter(line_id=line).update(balance_minor=2)
    assert find_drift(books.practice) == {account.id: (1, 12000), line: (2, 12000)}
    assert rebuild_balances(books.practice) == 2
    assert find_drift(books.practice) == {}


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["charge", "pay", "credit", "reverse"]),
        st.integers(0, 2),
        st.integers(1, 50_000),
        st.booleans(),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_carried_balances_equal_the_sums_whatever_is_posted(steps: list[tuple[str, int, int, bool]]) -> None:
    books = Books()
    lines = [new_id() for _ in range(3)]
    owed = dict.fromkeys(lines, 0)
    credit = 0
    for number, (what, which, minor, twice) in enumerate(steps):
        line, money = lines[which], Money(minor)
        postings = {
            "charge": Posting(books.receivable, books.income, money, Line(line, on=date(2026, 11, 3))),
            "pay": Posting(books.clearing, books.receivable, money, Line(line)),
            "credit": Posting(books.clearing, books.credit, money),
            "reverse": Posting(books.receivable, books.clearing, money, Line(line)),
        }
        if what != "charge" and not LineBalance.objects.filter(line_id=line).exists():
            continue
        for _ in range(2 if twice else 1):
            books.post(f"{what}:{number}", postings[what])
        owed[line] += {"charge": minor, "pay": -minor, "credit": 0, "reverse": minor}[what]
        credit -= minor if what == "credit" else 0
    assert find_drift(books.practice) == {}
    assert find_broken_links(books.practice) == []
    sums = get_line_balances(practice_id=books.practice, line_ids=lines)
    assert {line: sums.get(line, 0) for line in lines} == owed
    said = {"practice_id": books.practice, "owner_id": books.owner, "currency": "USD"}
    for ask in (get_account_balance, get_listed_balance):
        assert ask(kind=AccountKind.RECEIVABLE, **said) == sum(owed.values())  # type: ignore[arg-type]
        assert ask(kind=AccountKind.CLIENT_CREDIT, **said) == credit  # type: ignore[arg-type]
