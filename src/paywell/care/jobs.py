"""Background jobs about lists that practices bring."""

from __future__ import annotations

from django_tasks import task

from paywell.care.models import ImportFile
from paywell.core import clock


@task()
def forget_imports() -> None:
    """Delete the files whose time is over."""
    ImportFile.objects.filter(expires_at__lte=clock.now()).delete()
