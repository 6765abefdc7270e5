"""Lists of the set-up pages."""

from __future__ import annotations

from paywell.accounts.types import StaffViewer
from paywell.care.models import CatalogItem
from paywell.core.money import Money
from paywell.practice.models import Clinician


def list_clinicians(viewer: StaffViewer) -> list[Clinician]:
    """Those who see clients now first."""
    return list(Clinician.objects.filter(practice=viewer.practice).order_by("-is_active", "name"))


def list_catalog(viewer: StaffViewer) -> list[tuple[CatalogItem, Money]]:
    """The practice's price list, what is offered first."""
    rows = CatalogItem.objects.filter(practice=viewer.practice).order_by("-is_active", "wording")
    return [(row, Money(row.fee_minor, row.currency)) for row in rows]
