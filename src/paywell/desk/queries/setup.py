"""What the set-up of a practice leaves open: read from what there is, so it can be left and taken up anywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from paywell.accounts.models import Invitation
from paywell.accounts.types import Permission, StaffViewer
from paywell.care.models import CatalogItem
from paywell.desk.types import Checklist, Step
from paywell.payments.availability import has_processor
from paywell.practice.models import Clinician, Practice

_DEFAULT_ACCENT: Final = Practice._meta.get_field("accent").default


_Done = Callable[[Practice], bool]
#: Code, title, what for, address, whether it is done, whether it may stay open.
_STEPS: Final[tuple[tuple[str, Promise, Promise, str, _Done, bool], ...]] = (
    (
        "practice", _("Your practice"), _("Address, phone, tax number and NPI, as documents print them"),
        "settings_practice", lambda p: bool(p.street and p.phone and p.tax_id), False,
    ),
    (
        "clinicians", _("Clinicians"), _("Who sees clients, with credentials, license and NPI"),
        "clinician_new", lambda p: Clinician.objects.filter(practice=p, is_active=True).exists(), False,
    ),
    (
        "catalogue", _("Catalogue"), _("What you offer, and for how much"),
        "catalog_item_new", lambda p: CatalogItem.objects.filter(practice=p, is_active=True).exists(), False,
    ),
    (
        "processor", _("Card processor"), _("The account that takes your clients' card payments"),
        "processor_choose", has_processor, False,
    ),
    (
        "switch", _("Allow Payments Through Client Portal"), _("From then on clients see Make a Payment"),
        "settings", lambda p: p.payments_allowed, False,
    ),
    (
        "look", _("Look"), _("Your logo and color"),
        "settings_look", lambda p: bool(p.logo_digest) or p.accent != _DEFAULT_ACCENT, True,
    ),
    (
        "client", _("First client"), _("With an invitation to the portal"), "client_new",
        lambda p: Invitation.objects.filter(practice=p, subject_kind="contact").exists(), False,
    ),
)  # fmt: skip


def get_checklist(practice: Practice) -> Checklist:
    """All steps with their state. Five queries."""
    return Checklist(
        tuple(
            Step(code, title, words, f"{reverse(f'desk:{name}')}?setup=1", is_done(practice), is_optional)
            for code, title, words, name, is_done, is_optional in _STEPS
        )
    )


def get_open_checklist(viewer: StaffViewer) -> Checklist | None:
    """The list as long as it matters to the viewer: somebody who can go on, something open, and not put away."""
    if viewer.practice.setup_closed_at is not None or not viewer.may(Permission.CHANGE_SETTINGS):
        return None
    checklist = get_checklist(viewer.practice)
    return None if checklist.is_whole else checklist
