"""The set-up: the portal switch, the practice, its clinicians, catalogue and staff."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from paywell.accounts.actions import invite
from paywell.accounts.models import Role
from paywell.accounts.queries import list_staff
from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.care.actions import add_catalog_item, update_catalog_item
from paywell.care.models import CatalogItem, CodeLicense, ServiceKind
from paywell.core.identifiers import CodeForm, get_code_form, get_tax_id_warning
from paywell.core.money import Money
from paywell.desk.access import access_catalog_item, access_clinician, access_staff_member
from paywell.desk.actions import add_staff, change_role, end_staff
from paywell.desk.forms.processors import list_connectors
from paywell.desk.forms.settings import (
    CatalogItemChangeForm,
    CatalogItemForm,
    ClinicianForm,
    LookForm,
    PracticeForm,
    RoleForm,
    StaffForm,
)
from paywell.desk.pages import act, in_setup, leave, run, show, succeeds
from paywell.desk.queries.settings import list_catalog, list_clinicians
from paywell.payments.availability import allow_payments
from paywell.payments.processor_accounts import get_active
from paywell.practice.actions import add_clinician, update_clinician, update_practice
from paywell.practice.logo import set_logo
from paywell.practice.models import Practice
from paywell.processors.registry import CONNECTORS

_FORM = ["GET", "HEAD", "POST"]


@require_safe
@desk_view(Permission.CHANGE_SETTINGS)
def settings(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    active = get_active(viewer.practice.id)
    return show(
        request, viewer, "settings", "settings",
        active=active, connector=CONNECTORS.get(active.connector) if active else None,
        connectors=list_connectors(),
    )  # fmt: skip


@require_POST
@desk_view(Permission.CHANGE_SETTINGS)
def payments_allowed(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """The organization's switch."""
    allowed = request.POST.get("allowed") == "yes"
    done = _("Clients can pay through the portal now.") if allowed else _(
        "Payments through the portal are off. Nobody sees the button."
    )  # fmt: skip
    return act(
        request,
        lambda: allow_payments(viewer, allowed),
        done=done,
        back="desk:setup" if in_setup(request) else "desk:settings",
    )


@require_http_methods(_FORM)
@desk_view(Permission.CHANGE_SETTINGS)
def settings_practice(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    initial = {name: getattr(viewer.practice, name) for name in PracticeForm.base_fields if name != "tax_id"}
    form = PracticeForm(request.POST if request.method == "POST" else None, viewer=viewer, initial=initial)
    if form.is_valid() and succeeds(
        form, lambda: update_practice(practice=viewer.practice, actor_id=viewer.id, **form.cleaned_data)
    ):
        messages.success(request, _("The practice's details are saved."))
        odd = get_tax_id_warning(form.cleaned_data.get("tax_id", ""), form.cleaned_data["tax_id_kind"])
        if odd:
            messages.warning(request, odd)
        return leave(request, "desk:settings")
    return _form(request, viewer, "practice_form", form)


@require_http_methods(_FORM)
@desk_view(Permission.CHANGE_SETTINGS)
def settings_look(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """The logo and the accent color."""
    initial = {"accent": viewer.practice.accent}
    form = LookForm(request.POST, request.FILES) if request.method == "POST" else LookForm(initial=initial)
    if form.is_valid() and succeeds(form, lambda: _change_look(viewer, form)):
        messages.success(request, _("The look is saved."))
        return leave(request, "desk:settings")
    return _form(request, viewer, "look_form", form)


@require_safe
@desk_view(Permission.CHANGE_SETTINGS)
def clinicians(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    return show(request, viewer, "clinicians", "settings", clinicians=list_clinicians(viewer))


@require_http_methods(_FORM)
@desk_view(Permission.CHANGE_SETTINGS)
def clinician_new(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    form = ClinicianForm(request.POST if request.method == "POST" else None, viewer=viewer)
    if form.is_valid() and succeeds(
        form, lambda: add_clinician(practice=viewer.practice, actor_id=viewer.id, **form.cleaned_data)
    ):
        messages.success(request, _("The clinician is on file."))
        return leave(request, "desk:clinicians")
    return _form(request, viewer, "clinician_form", form)


@require_http_methods(_FORM)
@desk_view(Permission.CHANGE_SETTINGS)
def clinician_edit(request: HttpRequest, viewer: StaffViewer, clinician_id: UUID) -> HttpResponse:
    row = access_clinician(viewer, clinician_id)
    initial = {name: getattr(row, name) for name in ClinicianForm.base_fields}
    form = ClinicianForm(
        request.POST if request.method == "POST" else None, viewer=viewer, own_id=row.id, initial=initial
    )
    if form.is_valid() and succeeds(
        form, lambda: update_clinician(clinician=row, actor_id=viewer.id, **form.cleaned_data)
    ):
        messages.success(request, _("The clinician's record is saved."))
        return leave(request, "desk:clinicians")
    return _form(request, viewer, "clinician_form", form, clinician=row)


@require_safe
@desk_view(Permission.CHANGE_SETTINGS)
def catalog(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    items = list_catalog(viewer)
    license = CodeLicense.objects.filter(practice=viewer.practice).first()
    needs_license = any(get_code_form(item.code) is CodeForm.PROCEDURE for item, _fee in items)
    return show(request, viewer, "catalog", "settings", items=items, license=license, needs_license=needs_license)


@require_http_methods(_FORM)
@desk_view(Permission.CHANGE_SETTINGS)
def catalog_item_new(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    form = CatalogItemForm(request.POST if request.method == "POST" else None, viewer=viewer)
    if form.is_valid() and succeeds(form, lambda: _add_item(viewer, form.cleaned_data)):
        messages.success(request, _("The catalogue has one more entry."))
        return leave(request, "desk:catalog")
    return _form(request, viewer, "catalog_item_form", form)


@require_http_methods(_FORM)
@desk_view(Permission.CHANGE_SETTINGS)
def catalog_item_edit(request: HttpRequest, viewer: StaffViewer, item_id: UUID) -> HttpResponse:
    row = access_catalog_item(viewer, item_id)
    initial = {"fee": Money(row.fee_minor, row.currency), "is_active": row.is_active}
    form = CatalogItemChangeForm(request.POST if request.method == "POST" else None, viewer=viewer, initial=initial)
    if form.is_valid() and succeeds(
        form, lambda: update_catalog_item(item=row, actor_id=viewer.id, **form.cleaned_data)
    ):
        messages.success(request, _("The entry is saved."))
        return leave(request, "desk:catalog")
    return _form(request, viewer, "catalog_item_form", form, item=row)


@require_safe
@desk_view(Permission.CHANGE_SETTINGS)
def staff(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    return show(request, viewer, "staff", "settings", staff=list_staff(viewer=viewer))


@require_http_methods(_FORM)
@desk_view(Permission.CHANGE_SETTINGS)
def staff_new(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    form = StaffForm(request.POST if request.method == "POST" else None, viewer=viewer)
    if form.is_valid():
        member = run(form, lambda: add_staff(viewer=viewer, **form.cleaned_data))
        if member is not None:
            messages.success(request, _("%(email)s works at the desk now.") % {"email": member.user.email})
            return redirect("desk:staff")
    return _form(request, viewer, "staff_form", form)


@require_POST
@desk_view(Permission.CHANGE_SETTINGS)
def staff_invite(request: HttpRequest, viewer: StaffViewer, member_id: UUID) -> HttpResponse:
    """Send the link to set up the sign-in once more; the earlier one stops working."""
    member = access_staff_member(viewer, member_id)
    return act(
        request,
        lambda: invite(
            practice=viewer.practice,
            email=member.user.email,
            subject_kind="staff",
            subject_id=member.id,
            invited_by=viewer.id,
        ),
        done=_("An invitation is on its way to %(email)s.") % {"email": member.user.email},
        back="desk:staff",
    )


@require_http_methods(_FORM)
@desk_view(Permission.CHANGE_SETTINGS)
def staff_role(request: HttpRequest, viewer: StaffViewer, member_id: UUID) -> HttpResponse:
    """Another role for somebody who works here."""
    member = access_staff_member(viewer, member_id)
    initial = {"role": member.role, "clinician": member.clinician_id}
    form = RoleForm(request.POST if request.method == "POST" else None, viewer=viewer, initial=initial)
    if form.is_valid() and succeeds(form, lambda: change_role(viewer=viewer, member=member, **form.cleaned_data)):
        said = {"name": member.user.get_full_name(), "role": Role(form.cleaned_data["role"]).label}
        messages.success(request, _("The role of %(name)s is %(role)s from now on.") % said)
        return redirect("desk:staff")
    return _form(request, viewer, "staff_role", form, member=member)


@require_http_methods(_FORM)
@desk_view(Permission.CHANGE_SETTINGS)
def staff_end(request: HttpRequest, viewer: StaffViewer, member_id: UUID) -> HttpResponse:
    """Asks once more, naming whose access ends."""
    member = access_staff_member(viewer, member_id)
    if request.method == "POST":
        return act(
            request,
            lambda: end_staff(viewer=viewer, member=member),
            done=_("%(email)s has no access to the desk any more.") % {"email": member.user.email},
            back="desk:staff",
        )
    return show(request, viewer, "staff_end", "settings", member=member)


def _change_look(viewer: StaffViewer, form: LookForm) -> Practice:
    png, accent = form.read_logo(), form.cleaned_data["accent"]
    if png is not None or form.cleaned_data["remove_logo"]:
        set_logo(practice=viewer.practice, png=png, actor_id=viewer.id)
    return update_practice(practice=viewer.practice, actor_id=viewer.id, accent=accent)


def _add_item(viewer: StaffViewer, values: dict[str, Any]) -> CatalogItem:
    kind = ServiceKind(values.pop("kind"))
    return add_catalog_item(practice=viewer.practice, actor_id=viewer.id, kind=kind, **values)


def _form(request: HttpRequest, viewer: StaffViewer, template: str, form: Any, **context: Any) -> HttpResponse:
    return show(request, viewer, template, "settings", form=form, status=422 if form.errors else 200, **context)
