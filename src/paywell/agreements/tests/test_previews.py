"""The preview of charging many cards: the same words and sums as one by one, in a number of queries that stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from paywell.accounts.models import User
from paywell.agreements.models import (
    Agreement,
    AgreementKind,
    Charge,
    ChargeState,
    ChargeTry,
    Installment,
    Plan,
    PlanLine,
)
from paywell.agreements.previews import BatchRow, preview_batch
from paywell.agreements.queries import get_chargeable, get_chargeables
from paywell.agreements.tests.factories import MORNING, agree, make_card
from paywell.billing.questions import ask_question
from paywell.clients.access import access_portal, find_portals
from paywell.clients.models import BillingAccount, Client, Contact, Grant
from paywell.core import clock
from paywell.core.ids import new_id
from paywell.core.money import Money
from paywell.payments.models import Claim, ProcessorAccount
from paywell.payments.tests.factories import World, make_attempts, make_line, make_world
from paywell.payments.tests.fake_processor import FakeProcessor

USED_UP = "The payer's limit for this month is used up."
NOTHING_FREE = "Nothing is owed that can be charged: it is being paid, questioned, or part of a plan."
NO_RIGHT = "The payer may not pay for this account any more, or its payments are turned off."


@pytest.fixture(autouse=True)
def morning(processor: FakeProcessor) -> Any:
    with clock.set_to(MORNING):
        yield


def add_payer(world: World, name: str) -> World:
    """Another account of the practice with its own client, payer and card."""
    own: dict[str, Any] = {"practice": world.practice, "created_at": clock.now()}
    account = BillingAccount.objects.create(name=name, **own)
    client = Client.objects.create(legal_first_name=name, legal_last_name="Gant", default_account=account, **own)
    user = User.objects.create_user(f"{new_id().hex[-8:]}@example.org")
    contact = Contact.objects.create(name=name, user=user, **own)
    Grant.objects.create(
        contact=contact, client=client, account=account, role="self", valid_from=date(2026, 1, 1), **own
    )
    world.invoices += 10
    made = replace(world, account=account, client=client, contact=contact, user=user)
    make_card(made, token=f"pm_{name}")
    return made


def question(payer: World) -> None:
    agree(payer)
    viewer = access_portal(payer.user, payer.account.id)
    ask_question(viewer=viewer, line_id=make_line(payer, 700).id, text="What is it?")
    make_line(payer, 400)


def being_paid(payer: World) -> None:
    agree(payer)
    line = make_line(payer, 800)
    (attempt,) = make_attempts(payer, [line])
    Claim.objects.create(line=line, practice_id=payer.practice.id, attempt=attempt)


def planned(payer: World) -> None:
    agree(payer)
    line = make_line(payer, 900)
    agreement = agree(payer, AgreementKind.AUTOPAY)
    plan = Plan.objects.create(
        practice=payer.practice, account=payer.account, total_minor=900, currency="USD", offered_at=MORNING,
        offered_by=payer.user, agreement=agreement,
    )  # fmt: skip
    PlanLine.objects.create(practice=payer.practice, plan=plan, line=line, amount_minor=900)
    Installment.objects.create(
        practice=payer.practice, plan=plan, number=1, due_on=MORNING.date(), amount_minor=900
    )


def tried(payer: World, month_limit: int) -> None:
    agreement = agree(payer, limit=5_000, month_limit=Money(month_limit))
    line = make_line(payer, 12_000)
    charge = Charge.objects.create(
        practice=payer.practice, agreement=agreement, key=str(new_id()), amount_minor=6_000, currency="USD",
        due_on=MORNING.date(), state=ChargeState.DONE, created_at=MORNING,
    )  # fmt: skip
    for minor in (5_000, 6_000):  # the latest try counts
        ChargeTry.objects.create(
            practice=payer.practice, charge=charge, shares=[[str(line.id), minor]], at=clock.now()
        )
        clock.wait(timedelta(minutes=1))


def change(payer: World, model: Any, **values: object) -> None:
    agree(payer)
    make_line(payer, 500)
    own = {Client: payer.client.pk}
    rows = model.objects.filter(pk=own[model]) if model in own else model.objects.filter(contact=payer.contact)
    rows.update(**values)


def make_varied(world: World) -> None:
    """One account for each thing that can be in the way, and some that can be charged."""
    part, free, two = add_payer(world, "Ada"), add_payer(world, "Bo"), add_payer(world, "Cleo")
    agree(part, limit=300)
    make_line(part, 500)
    agree(free)
    make_line(free, 1_000)
    make_line(free, 200)
    agree(two)
    make_line(two, 600)
    tried(add_payer(world, "Dara"), 10_000)
    tried(add_payer(world, "Eli"), 6_000)
    question(add_payer(world, "Fay"))
    being_paid(add_payer(world, "Gus"))
    planned(add_payer(world, "Hana"))
    change(add_payer(world, "Ivo"), Client, payments_allowed=False)
    change(add_payer(world, "June"), Grant, withdrawn_at=MORNING)
    change(add_payer(world, "Kai"), Agreement, held_at=MORNING)
    make_line(add_payer(world, "Lea"), 100)
    nobody = add_payer(world, "Max")
    make_line(nobody, 100)
    nobody.contact.cards.all().delete()
    add_payer(world, "Nia")  # owes nothing


def tell(row: BatchRow) -> tuple[str, int, list[int], str]:
    return row.account_name, row.owed.minor, [card.most.minor for card in row.cards], row.why_not


def test_a_card_to_charge_is_named_as_everywhere_else(world: World) -> None:
    payer = add_payer(world, "Ada")
    agree(payer)
    make_line(payer, 500)
    payer.contact.cards.update(brand="amex", last4="0005")
    [row] = [row for row in preview_batch(world.staff) if row.account_name == "Ada"]
    assert [card.card for card in row.cards] == ["American Express 0005"]


def test_each_account_is_told_what_could_be_charged_or_what_is_in_the_way(world: World) -> None:
    make_varied(world)
    assert [tell(row) for row in preview_batch(world.staff)] == [
        ("Ada", 500, [300], ""),
        ("Bo", 1_200, [1_200], ""),
        ("Cleo", 600, [600], ""),
        ("Dara", 12_000, [4_000], ""),
        ("Eli", 12_000, [], USED_UP),
        ("Fay", 1_100, [400], ""),
        ("Gus", 800, [], NOTHING_FREE),
        ("Hana", 900, [], NOTHING_FREE),
        ("Ivo", 500, [], NO_RIGHT),
        ("June", 500, [], "The payer has no access to this account any more."),
        ("Kai", 500, [], "It is on hold."),
        (
            "Lea", 100, [],
            "A card is saved, but its owner did not agree that the practice charges it. They can under AutoPay in "
            "the portal.",
        ),
        ("Max", 100, [], "No card is saved."),
    ]  # fmt: skip
    assert [tell(row)[0] for row in preview_batch(world.staff, most=2)] == ["Ada", "Bo"]


def test_a_card_that_stayed_at_an_earlier_processor_is_told_from_one_that_nobody_agreed_to(world: World) -> None:
    lea = add_payer(world, "Lea")
    make_line(lea, 100)
    processor = lea.contact.cards.get().processor_account
    ProcessorAccount.objects.filter(pk=processor.pk).update(is_active=False)
    assert [row.why_not for row in preview_batch(world.staff) if row.account_name == "Lea"] == [
        "The saved card stayed at an earlier processor. Its owner can add it again in the portal."
    ]


def test_many_agreements_are_answered_as_each_alone(world: World) -> None:
    make_varied(world)
    rows = Agreement.objects.select_related("practice", "account", "contact", "user", "card").order_by("id")
    agreements = list(rows)
    assert len(agreements) > 10
    assert get_chargeables(agreements) == [get_chargeable(row) for row in agreements]
    pairs = {(row.user_id, row.account_id) for row in agreements if row.contact.name != "June"}
    assert find_portals(pairs) == {
        (user_id, account_id): access_portal(User.objects.get(pk=user_id), account_id)
        for user_id, account_id in pairs
    }
    refused = next(row for row in agreements if row.contact.name == "June")
    assert find_portals({(refused.user_id, refused.account_id)}) == {}


def test_another_practice_s_accounts_are_not_in_the_preview(world: World) -> None:
    make_varied(world)
    assert preview_batch(make_world("Elsewhere").staff) == []


def test_the_preview_takes_as_many_queries_for_5_accounts_as_for_50(world: World) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert all(row.cards for row in preview_batch(world.staff))
        return len([query for query in captured if "set_config" not in query["sql"]])

    def fill(numbers: range) -> None:
        for number in numbers:
            payer = add_payer(world, f"A{number:02}")
            agree(payer, month_limit=Money(90_000))
            make_line(payer, 500)

    fill(range(5))
    few = count()
    fill(range(5, 50))
    assert (few, count()) == (11, 11)
