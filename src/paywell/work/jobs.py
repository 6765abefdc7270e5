"""Background jobs of long work."""

from __future__ import annotations

from django_tasks import task

from paywell.core import clock
from paywell.work.models import WorkFile
from paywell.work.runner import serve_due


@task()
def run_due() -> bool:
    """Some seconds of whatever long work waits. True where there is more to do at once."""
    return serve_due()


@task()
def forget_expired() -> None:
    """Delete the files whose time is over."""
    WorkFile.objects.filter(expires_at__lte=clock.now()).delete()
