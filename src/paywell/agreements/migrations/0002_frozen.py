from django.db import migrations

from paywell.core.db import append_only, frozen_columns


class Migration(migrations.Migration):
    """What was agreed to and offered stays as it was; a try is written once."""

    dependencies = [
        ("agreements", "0001_initial"),
    ]

    operations = [
        frozen_columns(
            "agreements_agreement",
            [
                "practice_id", "kind", "account_id", "contact_id", "user_id", "card_id", "wording_version",
                "agreed_at", "currency", "charge_limit_minor", "month_limit_minor", "includes_old",
            ],
            once=["ended_at", "ended_by_id"],
        ),
        append_only("agreements_planline"),
        append_only("agreements_installment"),
        append_only("agreements_chargeline"),
        append_only("agreements_chargetry"),
    ]
