from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.urls import reverse

from paywell.audit.models import AuditEvent
from paywell.core.errors import UserError
from paywell.payments.models import ProcessorAccount
from paywell.payments.processor_accounts import (
    connect_processor,
    disconnect_processor,
    get_active,
    get_notice_url,
    make_processor,
)
from paywell.payments.tests.factories import World
from paywell.processors.contract import Style

SECRETS = {"api_key": "key_1", "notice_secret": "whsec_1"}
SETTINGS = {"base_url": "http://127.0.0.1:8001", "account": "acct_1"}


def connect(world: World, **changes: Any) -> ProcessorAccount:
    said: dict[str, Any] = {
        "practice": world.practice,
        "connector": "test_two_step",
        "settings": SETTINGS,
        "secrets": SECRETS,
        "live_mode": False,
        "actor_id": world.user.id,
    }
    return connect_processor(**(said | changes))


def test_connecting_makes_it_the_one_that_takes_new_payments(world: World) -> None:
    account = connect(world)
    before = ProcessorAccount.objects.get(pk=world.processor_account.pk)
    assert get_active(world.practice.id) == account
    assert (before.is_active, before.disconnected_at is None) == (False, False)


def test_connecting_is_audited_without_any_secret(world: World) -> None:
    account = connect(world)
    event = AuditEvent.objects.get(action="payments.connect_processor")
    assert (event.target_id, event.actor_id) == (account.id, world.user.id)
    assert event.detail == {"connector": "test_two_step", "live_mode": False}


def test_secrets_are_not_readable_in_the_database(world: World) -> None:
    from django.db import connection

    connect(world)
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM payments_processoraccount")
        stored = " ".join(str(value) for (value,) in cursor.fetchall())
    assert "key_1" not in stored
    assert "whsec_1" not in stored


def test_disconnecting_takes_no_new_payments_and_keeps_the_means_to_follow_old_ones(world: World) -> None:
    account = connect(world)
    assert disconnect_processor(practice=world.practice, actor_id=world.user.id) == account
    account.refresh_from_db()
    assert get_active(world.practice.id) is None
    assert account.secrets == SECRETS
    assert make_processor(account).style is Style.TWO_STEP
    assert AuditEvent.objects.filter(action="payments.disconnect_processor", target_id=account.id).exists()


def test_disconnecting_twice_is_harmless(world: World) -> None:
    disconnect_processor(practice=world.practice, actor_id=None)
    assert disconnect_processor(practice=world.practice, actor_id=None) is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"connector": "nobody"}, "processor_unknown"),
        ({"live_mode": True}, "test_processor_live"),
    ],
)
def test_a_connection_that_can_t_be_is_refused_and_changes_nothing(
    world: World, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(UserError) as refusal:
        connect(world, **changes)
    assert refusal.value.code == code
    assert get_active(world.practice.id) == world.processor_account
    assert not AuditEvent.objects.exists()


def test_a_test_processor_is_refused_where_real_money_is_taken(world: World, settings: LazySettings) -> None:
    account = connect(world)
    settings.ALLOW_TEST_PROCESSORS = False
    for refused in (lambda: connect(world), lambda: make_processor(account)):
        with pytest.raises(UserError) as refusal:
            refused()
        assert refusal.value.code == "test_processor_refused"
    assert get_active(world.practice.id) == account


def test_the_connector_learns_where_notices_go_and_who_shows_its_fields(world: World) -> None:
    account = connect(world)
    told = make_processor(account).inner.connection.settings  # type: ignore[attr-defined]
    assert (
        told["notice_url"]
        == get_notice_url(account)
        == "http://testserver" + reverse("api:notices", args=[account.id])
    )
    assert told["portal_origin"] == "http://testserver"
    assert account.settings == SETTINGS
