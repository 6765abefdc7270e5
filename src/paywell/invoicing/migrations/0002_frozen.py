from django.db import migrations

from paywell.core.db import frozen_columns


class Migration(migrations.Migration):
    """An issued invoice can be voided, and nothing else of it changes. A later migration that makes SQLite
    rebuild one of the tables must add the triggers again; a test of this room looks for them."""

    dependencies = [("invoicing", "0001_initial")]

    operations = [
        frozen_columns(
            "invoicing_invoice",
            [
                "id", "practice_id", "account_id", "number", "label", "issued_on", "issued_at", "due_on",
                "total_minor", "currency", "frozen", "digest", "replaces_id",
            ],
            once=["voided_at"],
        ),
        frozen_columns(
            "invoicing_invoiceline",
            [
                "id", "practice_id", "invoice_id", "account_id", "service_id", "client_id", "position", "on",
                "wording", "clinician_name", "amount_minor", "currency",
            ],
            once=["voided_at"],
        ),
    ]
