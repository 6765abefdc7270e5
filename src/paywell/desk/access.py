"""Fetch and check in one step what the rooms below hand out only in lists."""

from __future__ import annotations

from typing import NoReturn, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from paywell.accounts.models import StaffMember
from paywell.accounts.types import StaffViewer
from paywell.care.imports.files import READINGS
from paywell.care.models import CatalogItem, Diagnosis, ImportFile, Service
from paywell.clients.access import clients_of
from paywell.clients.models import Contact, Coverage
from paywell.clients.queries import list_contacts
from paywell.core import clock
from paywell.core.errors import NotFoundForViewer
from paywell.core.security_log import access_refused
from paywell.desk.queries.scope import services_of
from paywell.desk.queries.work import works_of
from paywell.invoicing.models import InvoiceLine
from paywell.practice.models import Clinician, Location
from paywell.work.models import Work, WorkFile
from paywell.work.queries import list_files

Row = TypeVar("Row", bound=Model)


def access_service(viewer: StaffViewer, service_id: UUID) -> Service:
    """A service of a client whom the viewer may see."""
    rows = services_of(viewer).select_related("client__default_account", "clinician", "practice")
    return _get(viewer, "service", rows, service_id)


def access_line(viewer: StaffViewer, line_id: UUID) -> InvoiceLine:
    """An invoice line about a client whom the viewer may see, for staff who may see money."""
    rows = InvoiceLine.objects.filter(practice=viewer.practice, client__in=clients_of(viewer))
    return _get(viewer, "invoice line", rows.select_related("service", "client", "invoice", "account"), line_id)


def access_contact(viewer: StaffViewer, contact_id: UUID) -> Contact:
    return _get(viewer, "contact", list_contacts(viewer=viewer), contact_id)


def access_coverage(viewer: StaffViewer, coverage_id: UUID) -> Coverage:
    """An insurance of a client whom the viewer may see."""
    rows = Coverage.objects.filter(practice=viewer.practice, client__in=clients_of(viewer)).select_related("client")
    return _get(viewer, "coverage", rows, coverage_id)


def access_clinician(viewer: StaffViewer, clinician_id: UUID) -> Clinician:
    rows = Clinician.objects.filter(practice=viewer.practice)
    return _get(viewer, "clinician", rows, clinician_id)


def access_location(viewer: StaffViewer, location_id: UUID) -> Location:
    rows = Location.objects.filter(practice=viewer.practice)
    return _get(viewer, "location", rows, location_id)


def access_diagnosis(viewer: StaffViewer, client_id: UUID, diagnosis_id: UUID) -> Diagnosis:
    """A diagnosis of that client, whom the viewer may see. The view checks the right to diagnoses."""
    rows = Diagnosis.objects.filter(practice=viewer.practice, client__in=clients_of(viewer), client=client_id)
    return _get(viewer, "diagnosis", rows.select_related("client"), diagnosis_id)


def access_catalog_item(viewer: StaffViewer, item_id: UUID) -> CatalogItem:
    rows = CatalogItem.objects.filter(practice=viewer.practice)
    return _get(viewer, "catalog item", rows, item_id)


def access_staff_member(viewer: StaffViewer, member_id: UUID) -> StaffMember:
    rows = StaffMember.objects.filter(practice=viewer.practice, ended_at=None).select_related("user", "clinician")
    return _get(viewer, "staff member", rows, member_id)


def access_work(viewer: StaffViewer, work_id: UUID) -> Work:
    """A piece of long work that the viewer may see."""
    return _get(viewer, "work", works_of(viewer), work_id)


def access_work_file(viewer: StaffViewer, work_id: UUID, file_id: UUID) -> WorkFile:
    """A file of such a work, while it is kept."""
    return _get(viewer, "work file", list_files(access_work(viewer, work_id)), file_id)


def access_import(viewer: StaffViewer, import_id: UUID) -> ImportFile:
    """A list that was brought, of a kind that the viewer may read in."""
    kinds = [kind for kind, reading in READINGS.items() if viewer.may(reading.needs)]
    rows = ImportFile.objects.filter(practice=viewer.practice, list__in=kinds, expires_at__gt=clock.now())
    return _get(viewer, "import", rows, import_id)


def refuse(viewer: StaffViewer, kind: str, target: UUID | str, reason: str) -> NoReturn:
    """The one way the desk says no: a line of the security log, and a 404."""
    access_refused(viewer=viewer, kind=kind, target=target, reason=reason)
    raise NotFoundForViewer


def _get(viewer: StaffViewer, kind: str, rows: QuerySet[Row], target: UUID) -> Row:
    row = rows.filter(pk=target).first()
    if row is None:
        refuse(viewer, kind, target, "not theirs")
    return row
