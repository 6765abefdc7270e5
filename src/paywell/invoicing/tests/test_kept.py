"""What each service keeps of its lines, whoever writes them."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.db import DatabaseError, connection, transaction

from paywell.care.models import Service
from paywell.invoicing.actions import issue_invoice, void_invoice
from paywell.invoicing.models import Invoice
from paywell.invoicing.tests.factories import make_client, make_practice, make_service

pytestmark = pytest.mark.django_db


def issue(*services: Service) -> Invoice:
    client = services[0].client
    return issue_invoice(practice=client.practice, account=client.default_account, services=services, actor_id=None)


def kept(*services: Service) -> list[int | None]:
    return [Service.objects.get(pk=each.pk).invoiced_minor for each in services]


def test_a_service_keeps_what_is_invoiced_on_it_and_nothing_after_the_void() -> None:
    client = make_client(make_practice())
    first, second, other = (make_service(client) for _ in range(3))
    assert kept(first, second, other) == [0, 0, 0]
    invoice = issue(first, second)
    assert kept(first, second, other) == [first.fee_minor, second.fee_minor, 0]
    void_invoice(invoice=invoice, reason="Wrong date", actor_id=None)
    assert kept(first, second, other) == [0, 0, 0]
    issue(second)
    assert kept(first, second, other) == [0, second.fee_minor, 0]


def test_what_is_kept_is_undone_with_the_transaction_and_by_no_refused_change() -> None:
    service = make_service(make_client(make_practice()))
    line = issue(service).lines.get()
    with pytest.raises(DatabaseError), transaction.atomic():
        line.delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        type(line).objects.filter(pk=line.pk).update(amount_minor=1)
    assert kept(service) == [service.fee_minor]


def test_the_migration_fills_in_what_was_invoiced_before_and_can_be_taken_back() -> None:
    client = make_client(make_practice())
    stands, voided, never = (make_service(client) for _ in range(3))
    migration = import_module("paywell.invoicing.migrations.0005_kept_invoiced")
    editor = connection.schema_editor()
    connection.check_constraints()
    migration.stop(None, editor)
    issue(stands)
    void_invoice(invoice=issue(voided), reason="Wrong date", actor_id=None)
    assert kept(stands, voided, never) == [0, 0, 0]
    connection.check_constraints()
    migration.keep(None, editor)
    assert kept(stands, voided, never) == [stands.fee_minor, 0, 0]
    issue(voided)
    assert kept(stands, voided, never) == [stands.fee_minor, voided.fee_minor, 0]
