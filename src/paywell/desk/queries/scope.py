"""What a staff viewer may see at all: the start of every desk query."""

from __future__ import annotations

from datetime import date

from django.db.models import QuerySet

from paywell.accounts.models import Role
from paywell.accounts.types import StaffViewer
from paywell.care.models import Service
from paywell.clients.access import clients_of
from paywell.core import clock
from paywell.core.clock import business_date


def get_today(viewer: StaffViewer) -> date:
    """The practice's calendar day."""
    return business_date(clock.now(), viewer.practice.timezone)


def services_of(viewer: StaffViewer) -> QuerySet[Service]:
    """All services that the staff member may see: the practice's, or those of a clinician's own clients."""
    services = Service.objects.filter(practice=viewer.practice)
    if viewer.role is not Role.CLINICIAN:
        return services
    return services.filter(client__in=clients_of(viewer))
