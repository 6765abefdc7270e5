from django.db import migrations

from paywell.core.db import append_only


class Migration(migrations.Migration):
    """What was issued stays as it is. A later migration that makes SQLite rebuild one of the tables must add the
    triggers again; a test of this room looks for them."""

    dependencies = [("documents", "0001_initial")]

    operations = [append_only("documents_issueddocument"), append_only("documents_issuedclient")]
