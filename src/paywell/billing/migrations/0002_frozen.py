from django.db import migrations

from paywell.core.db import append_only, frozen_columns


class Migration(migrations.Migration):
    """An entry is what it is; only that it was undone can be added, once."""

    dependencies = [
        ("billing", "0001_initial"),
    ]

    operations = [
        append_only("billing_entryline"),
        frozen_columns(
            "billing_entry",
            [
                "practice_id", "account_id", "kind", "method", "reference", "amount_minor", "currency", "on", "note",
                "reason", "service_id", "recorded_at", "actor_id",
            ],
            once=["reversed_at", "reversed_by_id"],
        ),
    ]
