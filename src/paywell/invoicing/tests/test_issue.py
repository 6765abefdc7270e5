from __future__ import annotations

from datetime import UTC, date, datetime
from unittest.mock import patch

import pytest

from paywell.audit.models import AuditEvent
from paywell.care.actions import void_service
from paywell.care.models import Service
from paywell.clients.models import StandingShare
from paywell.core import clock
from paywell.core.errors import UserError
from paywell.core.money import Money
from paywell.invoicing.actions import issue_invoice, void_invoice
from paywell.invoicing.frozen import get_digest
from paywell.invoicing.models import Invoice, InvoiceLine, NumberSequence
from paywell.invoicing.shares import Share, share_out
from paywell.invoicing.tests.factories import (
    make_account,
    make_client,
    make_practice,
    make_service,
    make_share,
)
from paywell.ledger.models import AccountKind, LineBalance, Transfer
from paywell.ledger.queries import get_account_balance, get_line_balances
from paywell.outbox.models import OutboxEvent

pytestmark = pytest.mark.django_db


def test_an_invoice_posts_each_line_and_freezes_what_it_prints() -> None:
    practice = make_practice()
    client = make_client(practice)
    first, second = make_service(client), make_service(client, on=date(2026, 11, 10), fee=9_550)
    with clock.set_to(datetime(2026, 11, 12, 3, tzinfo=UTC)):  # still the 11th where the practice is
        invoice = issue_invoice(
            practice=practice, account=client.default_account, services=[second, first], actor_id=None
        )
    assert (invoice.number, invoice.label, invoice.total_minor) == (1, "INV-0001", 21_550)
    assert (invoice.issued_on, invoice.due_on) == (date(2026, 11, 11), date(2026, 11, 25))
    lines = list(invoice.lines.order_by("position"))
    assert [(line.service_id, line.amount_minor) for line in lines] == [(first.id, 12_000), (second.id, 9_550)]
    assert lines[0].clinician_name == "Mara Feld, LCSW"
    assert [(t.leg, t.amount_minor, t.line_id) for t in Transfer.objects.order_by("leg")] == [
        (0, 12_000, lines[0].id),
        (1, 9_550, lines[1].id),
    ]
    assert set(Transfer.objects.values_list("source", "debit__kind", "credit__kind")) == {
        (f"invoice:{invoice.id}", "receivable", "income")
    }
    balance = LineBalance.objects.get(line_id=lines[0].id)
    assert (balance.balance_minor, balance.on, balance.due_on) == (12_000, date(2026, 11, 3), invoice.due_on)
    assert invoice.frozen["practice"]["name"] == "Willow Creek Therapy"
    assert invoice.frozen["practice"]["tax_id"] == "12-3456789"
    assert invoice.frozen["addressee"]["name"] == "Ada Brook"
    assert [row["amount_minor"] for row in invoice.frozen["lines"]] == [12_000, 9_550]
    assert invoice.digest == get_digest(Invoice.objects.get().frozen)
    event = OutboxEvent.objects.get()
    assert event.kind == "invoicing.invoice_issued"
    assert event.payload == {"invoice_id": str(invoice.id), "account_id": str(client.default_account_id)}
    assert AuditEvent.objects.filter(action="invoicing.issue_invoice", target_id=invoice.id).count() == 1


def test_a_social_security_number_is_never_printed_on_an_invoice() -> None:
    practice = make_practice(tax_id="536-90-4399", tax_id_kind="SSN")
    client = make_client(practice)
    invoice = issue_invoice(
        practice=practice, account=client.default_account, services=[make_service(client)], actor_id=None
    )
    assert "536" not in str(invoice.frozen)


def test_numbers_have_no_gap_when_an_issue_is_rolled_back() -> None:
    practice = make_practice()
    client = make_client(practice)
    services = [make_service(client, on=date(2026, 11, day)) for day in (3, 10, 17)]
    account = client.default_account
    first = issue_invoice(practice=practice, account=account, services=services[:1], actor_id=None)
    with (
        patch("paywell.invoicing.actions.emit", side_effect=RuntimeError("the machine stopped here")),
        pytest.raises(RuntimeError),
    ):
        issue_invoice(practice=practice, account=account, services=services[1:2], actor_id=None)
    assert Invoice.objects.count() == 1
    assert Transfer.objects.count() == 1
    second = issue_invoice(practice=practice, account=account, services=services[2:], actor_id=None)
    assert (first.number, second.number) == (1, 2)
    assert NumberSequence.objects.get().next_number == 3


def test_each_practice_counts_its_own_invoices() -> None:
    for prefix in ("INV-", "H"):
        practice = make_practice(invoice_prefix=prefix)
        client = make_client(practice)
        invoice = issue_invoice(
            practice=practice, account=client.default_account, services=[make_service(client)], actor_id=None
        )
        assert invoice.label == f"{prefix}0001"


def test_two_payers_owe_their_standing_shares_and_no_cent_is_lost() -> None:
    practice = make_practice()
    mother, father = make_account(practice, "Mother"), make_account(practice, "Father")
    child = make_client(practice, mother)
    make_share(child, mother, 6_000)
    make_share(child, father, 4_000)
    service = make_service(child, fee=12_001)
    one = issue_invoice(practice=practice, account=mother, services=[service], actor_id=None)
    two = issue_invoice(practice=practice, account=father, services=[service], actor_id=None)
    assert (one.total_minor, two.total_minor) == (7_201, 4_800)


def test_shares_that_changed_in_between_never_bill_more_than_the_fee() -> None:
    practice = make_practice()
    mother, father = make_account(practice, "Mother"), make_account(practice, "Father")
    child = make_client(practice, mother)
    service = make_service(child)
    issue_invoice(practice=practice, account=mother, services=[service], actor_id=None)
    make_share(child, mother, 6_000)
    make_share(child, father, 4_000)
    with pytest.raises(UserError) as refused:
        issue_invoice(practice=practice, account=father, services=[service], actor_id=None)
    assert refused.value.code == "shares_changed"
    assert InvoiceLine.objects.count() == 1


def test_an_account_without_a_share_is_refused() -> None:
    practice = make_practice()
    service = make_service(make_client(practice))
    with pytest.raises(UserError) as refused:
        issue_invoice(practice=practice, account=make_account(practice), services=[service], actor_id=None)
    assert refused.value.code == "not_owed_by_account"
    assert not Invoice.objects.exists()


def test_the_insurers_part_is_left_out_and_a_service_without_client_part_is_skipped() -> None:
    practice = make_practice()
    client = make_client(practice)
    partly = make_service(client, insurer_minor=9_000)
    wholly = make_service(client, on=date(2026, 11, 4), insurer_minor=12_000)
    invoice = issue_invoice(
        practice=practice, account=client.default_account, services=[partly, wholly], actor_id=None
    )
    assert [(line.service_id, line.amount_minor) for line in invoice.lines.all()] == [(partly.id, 3_000)]
    with pytest.raises(UserError) as refused:
        issue_invoice(practice=practice, account=client.default_account, services=[wholly], actor_id=None)
    assert refused.value.code == "nothing_to_invoice"


def test_a_service_stands_once_on_a_live_invoice_of_an_account() -> None:
    practice = make_practice()
    client = make_client(practice)
    service = make_service(client)
    invoice = issue_invoice(practice=practice, account=client.default_account, services=[service], actor_id=None)
    with pytest.raises(UserError) as refused:
        issue_invoice(practice=practice, account=client.default_account, services=[service], actor_id=None)
    assert refused.value.code == "already_invoiced"
    on = f"{service.on:%b} {service.on.day}, {service.on.year}"
    assert refused.value.message == f"The service of {on} stands on an invoice already."
    void_invoice(invoice=invoice, reason="Wrong date", actor_id=None)
    again = issue_invoice(practice=practice, account=client.default_account, services=[service], actor_id=None)
    assert again.number == 2


def test_a_voided_service_is_refused_and_an_invoiced_one_cannot_be_voided() -> None:
    practice = make_practice()
    client = make_client(practice)
    gone, kept = make_service(client), make_service(client, on=date(2026, 11, 4))
    void_service(service=gone, actor_id=None)
    with pytest.raises(UserError) as refused:
        issue_invoice(practice=practice, account=client.default_account, services=[gone, kept], actor_id=None)
    assert refused.value.code == "service_voided"
    issue_invoice(practice=practice, account=client.default_account, services=[kept], actor_id=None)
    with pytest.raises(UserError) as refused:
        void_service(service=kept, actor_id=None)
    assert refused.value.code == "service_invoiced"
    assert Service.objects.get(pk=kept.pk).voided_at is None


def test_an_invoice_is_not_dated_ahead() -> None:
    practice = make_practice()
    client = make_client(practice)
    service = make_service(client)
    with pytest.raises(UserError) as refused:
        issue_invoice(
            practice=practice,
            account=client.default_account,
            services=[service],
            issued_on=date(2099, 1, 1),
            actor_id=None,
        )
    assert refused.value.code == "issued_in_future"


def test_services_of_another_practice_are_never_invoiced() -> None:
    practice, other = make_practice(), make_practice()
    client = make_client(practice)
    with pytest.raises(ValueError, match="one practice"):
        issue_invoice(
            practice=practice,
            account=client.default_account,
            services=[make_service(make_client(other))],
            actor_id=None,
        )
    assert not Invoice.objects.exists()


def test_the_odd_cent_falls_on_the_same_account_every_time() -> None:
    practice = make_practice()
    one, two = sorted([make_account(practice).id, make_account(practice).id])
    for shares in ([Share(one, 5_000), Share(two, 5_000)], [Share(two, 5_000), Share(one, 5_000)]):
        assert share_out(Money(101), shares, one) == {one: Money(51), two: Money(50)}
    assert share_out(Money(1), [Share(one, 9_999), Share(two, 1)], one) == {one: Money(1)}
    assert not StandingShare.objects.exists()


def test_the_receivable_of_an_account_is_the_sum_of_its_lines() -> None:
    practice = make_practice()
    client = make_client(practice)
    services = [make_service(client, on=date(2026, 10, day), fee=1_000 + day) for day in range(1, 6)]
    issue_invoice(practice=practice, account=client.default_account, services=services, actor_id=None)
    lines = get_line_balances(
        practice_id=practice.id, line_ids=list(InvoiceLine.objects.values_list("id", flat=True))
    )
    assert sum(lines.values()) == 5_015
    assert (
        get_account_balance(
            practice_id=practice.id,
            kind=AccountKind.RECEIVABLE,
            owner_id=client.default_account_id,
            currency="USD",
        )
        == 5_015
    )
