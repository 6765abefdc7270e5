from django.db import migrations

from paywell.core.db import append_only


def keep_logos(apps, schema_editor):
    """The logo that each practice shows now, so that what it issued with it can go on printing it."""
    LogoPicture = apps.get_model("practice", "LogoPicture")
    for practice in apps.get_model("practice", "Practice").objects.exclude(logo_digest="").exclude(logo=None):
        LogoPicture.objects.create(practice=practice, digest=practice.logo_digest, png=practice.logo)


class Migration(migrations.Migration):

    dependencies = [("practice", "0005_for_documents")]

    operations = [
        migrations.RunPython(keep_logos, migrations.RunPython.noop),
        append_only("practice_logopicture"),
    ]
