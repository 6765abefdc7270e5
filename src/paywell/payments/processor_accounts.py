"""Connecting a practice's account at a processor, and making the processor that works with it.

An account that was disconnected takes no new payments, but keeps its secrets: payments made through it can
still be looked up, refunded and disputed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from django.conf import settings as django_settings

from paywell.audit.actions import record
from paywell.core import clock
from paywell.core.db import lock, phase
from paywell.core.errors import UserError
from paywell.core.prepared import Prepared
from paywell.payments.models import ProcessorAccount
from paywell.practice.models import Practice
from paywell.processors import registry
from paywell.processors.contract import Connection, Processor

#: Where a processor's notices about one account arrive. Fixed: processors have it on file.
NOTICE_PATH: Final = "/processors/{processor_account_id}/notices/"


def connect_processor(
    *,
    practice: Practice,
    connector: str,
    settings: Mapping[str, str],
    secrets: Mapping[str, str],
    live_mode: bool,
    actor_id: UUID | None,
) -> ProcessorAccount:
    """Make this the account that takes the practice's new payments; the one before it stops taking them.

    Makes no call: `check_connection` tells whether the settings are right. Raises UserError
    `processor_unknown`, `test_processor_refused`, `test_processor_live`.
    """
    _check_connector(connector, live_mode=live_mode)
    now = clock.now()
    with phase():
        lock(Practice.objects.filter(pk=practice.pk)).get()
        before = ProcessorAccount.objects.filter(practice=practice, is_active=True).first()
        if before is not None:
            _switch_off(before, actor_id=actor_id)
        account = ProcessorAccount.objects.create(
            practice=practice,
            connector=connector,
            live_mode=live_mode,
            settings=dict(settings),
            secrets=dict(secrets),
            connected_at=now,
            swept_until=now,
        )
        record(
            practice_id=practice.id,
            actor_id=actor_id,
            action="payments.connect_processor",
            target_kind="processor_account",
            target_id=account.id,
            detail={"connector": connector, "live_mode": live_mode},
        )
    return account


def change_connection(
    *, account: ProcessorAccount, settings: Mapping[str, str], secrets: Mapping[str, str], actor_id: UUID | None
) -> ProcessorAccount:
    """Other keys of the same account at the processor. What is empty stays as it was.

    A new secret for notices leaves the old one valid beside it: notices signed with it may be on their way.
    """
    with phase():
        account = lock(ProcessorAccount.objects.filter(pk=account.pk, practice_id=account.practice_id)).get()
        new_settings = {name: value for name, value in settings.items() if value}
        new_secrets = {name: value for name, value in secrets.items() if value}
        changed = {name for name, value in new_settings.items() if account.settings.get(name) != value}
        changed |= {name for name, value in new_secrets.items() if account.secrets.get(name) != value}
        if not changed:
            return account
        if "notice_secret" in changed and account.secrets.get("notice_secret"):
            new_secrets["previous_notice_secret"] = account.secrets["notice_secret"]
        account.settings = account.settings | new_settings
        account.secrets = account.secrets | new_secrets
        account.save(update_fields=["settings", "secrets"])
        record(
            practice_id=account.practice_id,
            actor_id=actor_id,
            action="payments.change_connection",
            target_kind="processor_account",
            target_id=account.id,
            detail={"connector": account.connector, "changed": sorted(changed)},
        )
    return account


def try_connection(
    *, connector: str, settings: Mapping[str, str], secrets: Mapping[str, str], live_mode: bool
) -> list[str]:
    """What is wrong with keys that are not stored yet, in words. Raises UserError as `connect_processor` does."""
    _check_connector(connector, live_mode=live_mode)
    connection = Connection(settings=settings, secrets=secrets, live_mode=live_mode)
    return list(registry.connect(connector, connection).check_setup())


def disconnect_processor(*, practice: Practice, actor_id: UUID | None) -> ProcessorAccount | None:
    """Stop taking new payments. What was begun is still followed to its end. None where none was connected."""
    with phase():
        lock(Practice.objects.filter(pk=practice.pk)).get()
        account = ProcessorAccount.objects.filter(practice=practice, is_active=True).first()
        if account is not None:
            _switch_off(account, actor_id=actor_id)
    return account


_ACTIVE = Prepared(
    lambda practice: (
        ProcessorAccount.objects.filter(practice_id=practice, is_active=True)  # at most one, says a constraint
        .select_related("practice")
        .defer("practice__logo")
    )
)


def get_active(practice_id: UUID) -> ProcessorAccount | None:
    """The account that takes the practice's new payments, with its practice; None while none is connected."""
    return _ACTIVE.first(practice=practice_id)


def make_processor(account: ProcessorAccount) -> Processor:
    """The guarded processor for one account. Makes no call.

    Raises UserError `test_processor_refused` where this installation does not take test processors, whoever
    connected them, and `test_processor_live`.
    """
    _check_connector(account.connector, live_mode=account.live_mode)
    return registry.connect(
        account.connector,
        Connection(
            settings=_own_addresses(account) | account.settings,
            secrets=account.secrets,
            live_mode=account.live_mode,
        ),
    )


def get_notice_url(account: ProcessorAccount) -> str:
    """The address that the practice gives to its processor for notices."""
    return django_settings.PUBLIC_URL + NOTICE_PATH.format(processor_account_id=account.id)


def check_connection(account: ProcessorAccount) -> list[str]:
    """What is wrong with the connection, in words; one harmless call to the processor. Empty: all is well."""
    try:
        return list(make_processor(account).check_setup())
    except LookupError:
        return ["A key or a setting is missing. Enter the keys again."]


def _check_connector(name: str, *, live_mode: bool) -> None:
    connector = registry.CONNECTORS.get(name)
    if connector is None:
        raise UserError("Choose one of the processors in the list.", code="processor_unknown", field="connector")
    if not connector.is_test:
        return
    if not django_settings.ALLOW_TEST_PROCESSORS:
        raise UserError(
            "This is a test processor, and this installation takes real payments only. Choose another one.",
            code="test_processor_refused",
            field="connector",
        )
    if live_mode:
        raise UserError(
            "A test processor can't take real payments. Turn live mode off.",
            code="test_processor_live",
            field="live_mode",
        )


def _own_addresses(account: ProcessorAccount) -> dict[str, str]:
    """Where we are, for connectors that tell their processor. Not stored: the installation may move."""
    if not django_settings.PUBLIC_URL:
        return {}
    return {"notice_url": get_notice_url(account), "portal_origin": django_settings.PUBLIC_URL}


def _switch_off(account: ProcessorAccount, *, actor_id: UUID | None) -> None:
    account.is_active = False
    account.disconnected_at = clock.now()
    account.save(update_fields=["is_active", "disconnected_at"])
    record(
        practice_id=account.practice_id,
        actor_id=actor_id,
        action="payments.disconnect_processor",
        target_kind="processor_account",
        target_id=account.id,
        detail={"connector": account.connector},
    )
