from django.db import migrations, models


class Migration(migrations.Migration):
    """May be null, so that SQLite adds the column in place; nobody writes null, and the sums follow in
    `invoicing.0005_kept_invoiced`, whose triggers name this table: a later migration that makes SQLite
    rebuild it must drop them before and add them again."""

    dependencies = [("care", "0007_service_wordings")]

    operations = [
        migrations.AddField(
            model_name="service",
            name="invoiced_minor",
            field=models.BigIntegerField(
                db_default=0,
                help_text="All live invoice lines of it together. Kept by the database's own triggers; never written.",
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="service",
            index=models.Index(
                condition=models.Q(
                    ("fee_minor__gt", models.F("insurer_minor") + models.F("invoiced_minor")),
                    ("voided_at", None),
                ),
                fields=["practice", "-on", "-id"],
                name="service_uninvoiced",
            ),
        ),
    ]
