from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.db import migrations, models
from django.db.models.functions import Now

from paywell.core.db import frozen_columns

FROZEN = [
    "practice_id", "account_id", "kind", "method", "reference", "amount_minor", "currency", "on", "note", "reason",
    "service_id", "recorded_at", "actor_id",
]
ONCE = ["reversed_at", "reversed_by_id"]
BEFORE = frozen_columns("billing_entry", FROZEN, once=ONCE)
NOW = frozen_columns("billing_entry", [*FROZEN, "at"], once=ONCE)


def fill(apps, schema_editor):
    """The place of the entries that there are already: as entered on their day, else noon of it."""
    Entry = apps.get_model("billing", "Entry")
    zones = {}
    for pk, zone in apps.get_model("practice", "Practice").objects.values_list("pk", "timezone"):
        zones[pk] = ZoneInfo(zone)
    found = []
    for entry in Entry.objects.only("id", "practice_id", "on", "recorded_at").order_by("id").iterator(500):
        zone = zones[entry.practice_id]
        is_of_day = entry.recorded_at.astimezone(zone).date() == entry.on
        entry.at = entry.recorded_at if is_of_day else datetime.combine(entry.on, time(12), zone)
        found.append(entry)
    Entry.objects.bulk_update(found, ["at"], batch_size=500)


class Migration(migrations.Migration):
    """When an entry took place, kept: so that an index has payments by hand in the order of the list.

    The database gives the moment itself where the code before this migration still enters payments.
    """

    dependencies = [
        ("billing", "0002_frozen"),
    ]

    operations = [
        migrations.RunPython(BEFORE.reverse_code, BEFORE.code),
        migrations.AddField(
            model_name="entry",
            name="at",
            field=models.DateTimeField(
                db_default=Now(),
                help_text="Its place in lists: as it was entered on its day, else noon of the day.",
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("kind", "payment")), fields=["practice", "-at", "-id"], name="entry_history"
            ),
        ),
        NOW,
    ]
