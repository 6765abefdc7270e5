"""Who owes how much of a service: fixed amounts first, then percentages; kinds of service in their own way."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from paywell.care.models import ServiceKind
from paywell.clients.actions import set_standing_shares
from paywell.clients.models import StandingShare
from paywell.core.errors import UserError
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.invoicing.actions import issue_batch
from paywell.invoicing.models import InvoiceLine
from paywell.invoicing.shares import Share, choose_shares, share_out
from paywell.invoicing.tests.factories import make_account, make_client, make_practice, make_service

ONE, TWO, THREE = sorted(new_id() for _ in range(3))


@pytest.mark.parametrize(
    ("minor", "shares", "owed"),
    [
        (14_000, [], {THREE: 14_000}),
        (14_000, [Share(ONE, fixed_minor=5_000)], {ONE: 5_000, THREE: 9_000}),
        (14_000, [Share(THREE, fixed_minor=5_000)], {THREE: 14_000}),
        (4_000, [Share(ONE, fixed_minor=5_000)], {ONE: 4_000}),
        (7_000, [Share(TWO, fixed_minor=5_000), Share(ONE, fixed_minor=5_000)], {ONE: 5_000, TWO: 2_000}),
        (10_001, [Share(ONE, fixed_minor=5_000), Share(TWO, 5_000), Share(THREE, 5_000)],
         {ONE: 5_000, TWO: 2_501, THREE: 2_500}),
        (5_000, [Share(ONE, fixed_minor=5_000), Share(TWO, 10_000)], {ONE: 5_000}),
        (0, [Share(ONE, fixed_minor=5_000), Share(TWO, 10_000)], {}),
    ],
)  # fmt: skip
def test_a_service_is_shared_out(minor: int, shares: list[Share], owed: dict[object, int]) -> None:
    assert share_out(Money(minor), shares, THREE) == {account: Money(each) for account, each in owed.items()}


@given(
    st.integers(0, 10_000_000), st.lists(st.integers(1, 10_000_000), max_size=2), st.integers(0, 9_999)
)  # fmt: skip
def test_no_cent_is_lost_or_made(minor: int, fixed: list[int], points: int) -> None:
    shares = [Share(account, fixed_minor=each) for account, each in zip((ONE, TWO), fixed, strict=False)]
    others = [account for account in (ONE, TWO, THREE) if account not in {share.account_id for share in shares}]
    if points and len(others) >= 2:
        shares += [Share(others[0], points), Share(others[1], 10_000 - points)]
    owed = share_out(Money(minor), shares, THREE)
    assert sum(money.minor for money in owed.values()) == minor
    assert all(money.minor > 0 for money in owed.values())


def test_a_kind_with_shares_of_its_own_takes_no_others() -> None:
    general, special = Share(ONE, 10_000), Share(TWO, 10_000, applies_to="no_show")
    assert choose_shares([general, special], "session") == [general]
    assert choose_shares([general, special], "no_show") == [special]
    assert choose_shares([special], "session") == []


@pytest.mark.django_db(transaction=True)
def test_invoices_follow_the_shares_of_the_kind_of_service() -> None:
    practice = make_practice()
    client, other = make_client(practice), make_account(practice)
    mine = client.default_account_id
    set_standing_shares(client=client, shares={mine: 10_000}, fixed={other.id: 4_000}, actor_id=None)
    set_standing_shares(client=client, shares={other.id: 10_000}, applies_to="no_show", actor_id=None)
    make_service(client, on=date(2026, 10, 1), fee=14_000)
    make_service(client, on=date(2026, 10, 2), fee=8_000, kind=ServiceKind.NO_SHOW)
    issue_batch(practice=practice, date_from=date(2026, 10, 1), date_to=date(2026, 10, 31), actor_id=None)
    lines = InvoiceLine.objects.order_by("on", "amount_minor").values_list("account_id", "amount_minor")
    assert list(lines) == [(other.id, 4_000), (mine, 10_000), (other.id, 8_000)]


@pytest.mark.django_db
def test_what_is_no_share_is_refused_by_the_action_and_by_the_database() -> None:
    practice = make_practice()
    client, other = make_client(practice), make_account(practice)
    mine = client.default_account_id
    for shares, fixed, code in (
        ({mine: 10_000}, {mine: 100}, "share_twice"),
        ({mine: 9_000}, {other.id: 100}, "shares_sum"),
        ({}, {mine: 0}, "share_range"),
    ):
        with pytest.raises(UserError) as refusal:
            set_standing_shares(client=client, shares=shares, fixed=fixed, actor_id=None)
        assert refusal.value.code == code
    for points, minor in ((5_000, 100), (None, None), (None, 0), (10_001, None)):
        with pytest.raises(IntegrityError), transaction.atomic():
            StandingShare.objects.create(
                practice=practice, client=client, account=other, basis_points=points, fixed_minor=minor
            )
    assert not StandingShare.objects.exists()
