from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_more_kinds_of_account")]

    operations = [
        # A column that may be null is added in place: SQLite keeps the table and its triggers.
        migrations.AddField(
            model_name="transfer",
            name="effective_on",
            field=models.DateField(
                help_text="The day on which it counts, where that is told apart: cash that was entered later.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="transfer",
            name="at",
            field=models.DateTimeField(help_text="When it was recorded."),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(
                condition=models.Q(("effective_on__isnull", False)),
                fields=["practice_id", "effective_on"],
                name="ledger_transfer_effective",
            ),
        ),
    ]
