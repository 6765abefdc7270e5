from django.db import migrations

from paywell.core.db import append_only


class Migration(migrations.Migration):
    """The database itself refuses to change these rows. A later migration that makes SQLite rebuild one of
    the tables must add the triggers again; a test of `tests/architecture` looks for them."""

    dependencies = [("ledger", "0001_initial")]

    operations = [
        append_only("ledger_transfer"),
    ]
