"""A practice's accounts at card processors, and the connectors made for them."""

from __future__ import annotations

from uuid import UUID

from paywell.payments.models import ProcessorAccount
from paywell.processors import registry
from paywell.processors.contract import Connection, Processor


def make_processor(processor_account: ProcessorAccount) -> Processor:
    """The guarded connector for one account, also for one that takes no new payments any more."""
    connection = Connection(
        settings=processor_account.settings,
        secrets=processor_account.secrets,
        live_mode=processor_account.live_mode,
    )
    return registry.connect(processor_account.connector, connection)


def get_active(practice_id: UUID) -> ProcessorAccount | None:
    """The account that takes the practice's new payments, with its practice; None where there is none."""
    return (
        ProcessorAccount.objects.filter(practice_id=practice_id, is_active=True)
        .select_related("practice")
        .defer("practice__logo")
        .first()
    )
