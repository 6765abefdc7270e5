"""Services: the list, recording one, voiding one, its superbill."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.billing.entries import get_insurer_left, list_insurer_answers
from paywell.billing.models import Entry, EntryKind
from paywell.care.actions import keep_from_insurer, record_each_day, record_service, void_service
from paywell.care.models import CatalogItem, Service, ServiceKind
from paywell.clients.access import access_client
from paywell.clients.models import Client
from paywell.core.errors import UserError
from paywell.core.money import Money
from paywell.desk.access import access_service
from paywell.desk.actions import record_fee
from paywell.desk.forms.billing import FeeForm, ReasonForm, ServiceForm
from paywell.desk.pages import act, page_of, run, show, succeeds
from paywell.desk.queries.scope import get_today, services_of
from paywell.desk.queries.services import get_service_row, list_owers, list_services
from paywell.desk.views.ids import read_ids
from paywell.documents.check import check_superbill
from paywell.documents.superbills import get_services
from paywell.payments.story import get_entry_words


@require_safe
@desk_view(Permission.SEE_CLIENTS)
def services(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    words, only = request.GET.get("q", "").strip()[:100], request.GET.get("show", "uninvoiced")
    page = list_services(viewer, words=words, show=only, page=page_of(request))
    return show(request, viewer, "services", "services", page=page, words=words, only=only)


@require_safe
@desk_view(Permission.SEE_CLIENTS)
def service(request: HttpRequest, viewer: StaffViewer, service_id: UUID) -> HttpResponse:
    row = access_service(viewer, service_id)
    may_see_diagnoses = viewer.may(Permission.SEE_DIAGNOSES)
    pointers = row.pointers.select_related("diagnosis").order_by("position") if may_see_diagnoses else []
    problems = (
        check_superbill(viewer.practice, get_services(viewer.practice, [row.id])) if may_see_diagnoses else []
    )
    return show(
        request, viewer, "service", "services",
        row=get_service_row(viewer, row), service=row, pointers=pointers, problems=problems,
        insurer_left=get_insurer_left(row), answers=_list_answers(viewer, row),
        owers=list_owers(viewer, row) if viewer.may(Permission.SEE_MONEY) else [],
    )  # fmt: skip


def _list_answers(viewer: StaffViewer, service: Service) -> list[tuple[Entry, str]]:
    """What the insurer answered about its part, each in words; nothing where it has no part."""
    if not service.insurer_minor or not viewer.may(Permission.SEE_MONEY):
        return []
    return [(entry, str(get_entry_words(EntryKind(entry.kind)))) for entry in list_insurer_answers(service)]


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.RECORD_SERVICES)
def service_new(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    client = access_client(viewer, client_id)
    initial = {"on": get_today(viewer), "clinician": viewer.clinician_id or client.clinician_id}
    again = services_of(viewer).filter(client=client, pk__in=read_ids([request.GET.get("like", "")])).first()
    last_time = {} if again else _as_last_time(viewer, client)
    initial |= _like(again) if again else last_time
    form = ServiceForm(request.POST or None, viewer=viewer, client=client, initial=initial)
    if form.is_valid() and form.cleaned_data["times"]:
        return _weekly(request, viewer, client, form)
    if form.is_valid():
        row = run(form, lambda: _record(viewer, client, form))
        if row is not None:
            messages.success(request, _("The service is recorded."))
            if "another" in request.POST:
                return redirect("desk:service_new", client.id)
            if viewer.may(Permission.ISSUE_INVOICES) and row.on <= get_today(viewer):
                return redirect(f"{reverse('desk:invoice_new', args=[client.id])}?service={row.id}")
            return redirect("desk:client_services", client.id)
    return show(
        request, viewer, "service_form", "clients",
        client=client, form=form, is_as_last_time=bool(last_time), status=422 if form.errors else 200,
    )  # fmt: skip


def _as_last_time(viewer: StaffViewer, client: Client) -> dict[str, Any]:
    """What most sessions have in common with the client's last one: what was done, where, and its diagnoses.

    Nothing about money, which the catalogue and the biller say anew; no diagnosis that has ended since.
    """
    sessions = services_of(viewer).filter(client=client, kind=ServiceKind.SESSION, voided_at=None)
    row = sessions.filter(on__lte=get_today(viewer)).order_by("-on", "-id").first()
    if row is None:
        return {}
    said = _like(row)
    ended = row.pointers.filter(diagnosis__ended_on__lt=get_today(viewer)).values_list("diagnosis_id", flat=True)
    said["diagnoses"] = [one for one in said["diagnoses"] if one not in set(ended)]
    return {name: said[name] for name in ("catalog_item", "location", "place_of_service", "diagnoses")}


def _like(row: Service) -> dict[str, Any]:
    """What a service says that is to be recorded again, for the form."""
    items = CatalogItem.objects.filter(practice=row.practice_id, code=row.code, wording=row.wording, is_active=True)
    return {
        "catalog_item": items.first(), "on": row.on, "clinician": row.clinician_id, "location": row.location_id,
        "place_of_service": row.place_of_service, "units": row.units, "modifiers": row.modifiers,
        "fee": Money(row.fee_minor, row.currency),
        "insurer": Money(row.insurer_minor, row.currency) if row.insurer_minor else None,
        "diagnoses": list(row.pointers.order_by("position").values_list("diagnosis_id", flat=True)),
    }  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.RECORD_SERVICES)
def service_void(request: HttpRequest, viewer: StaffViewer, service_id: UUID) -> HttpResponse:
    row = access_service(viewer, service_id)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and succeeds(
        form, lambda: void_service(service=row, actor_id=viewer.id, reason=form.cleaned_data["reason"])
    ):
        messages.success(request, _("The service is void. It can't be invoiced."))
        return redirect("desk:service", row.id)
    return show(
        request, viewer, "service_void", "services", service=row, form=form, status=422 if form.errors else 200
    )


@require_POST
@desk_view(Permission.RECORD_SERVICES)
def service_keep(request: HttpRequest, viewer: StaffViewer, service_id: UUID) -> HttpResponse:
    """The client asked that no insurer hears of the service, or took that back."""
    row = access_service(viewer, service_id)
    is_kept = request.POST.get("kept") == "yes"
    done = _("No superbill will have this service.") if is_kept else _("Superbills may have this service again.")
    return act(
        request,
        lambda: keep_from_insurer(service=row, is_kept=is_kept, actor_id=viewer.id),
        done=done,
        back="desk:service",
        service_id=row.id,
    )


def _weekly(request: HttpRequest, viewer: StaffViewer, client: Client, form: ServiceForm) -> HttpResponse:
    """The days of a service that repeats: first to look at and to leave some out, then recorded in one go."""
    days = form.days()
    if "confirmed" in request.POST:
        asked = set(request.POST.getlist("day"))
        chosen = [day for day in days if day.isoformat() in asked]
        done = run(
            form,
            lambda: record_each_day(client=client, days=chosen, actor_id=viewer.id, **_values_of(form)),
        )
        if done is not None:
            _tell_recorded(request, *done)
            return redirect("desk:client_services", client.id)
    taken = set(
        Service.objects.filter(practice=viewer.practice, client=client, on__in=days, voided_at=None).values_list(
            "on", flat=True
        )
    )
    return show(
        request, viewer, "service_weekly", "clients", client=client, form=form,
        days=[(day, day in taken) for day in days], item=form.cleaned_data["catalog_item"],
        status=422 if form.errors else 200,
    )  # fmt: skip


def _tell_recorded(request: HttpRequest, recorded: list[Service], taken: list[date]) -> None:
    if recorded:
        words = ngettext("%(count)s service is recorded.", "%(count)s services are recorded.", len(recorded))
        messages.success(request, words % {"count": len(recorded)})
    if taken:
        words = ngettext(
            "%(count)s day had this service already and was left out.",
            "%(count)s days had this service already and were left out.",
            len(taken),
        )
        messages.info(request, words % {"count": len(taken)})


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.RECORD_SERVICES)
def service_fee(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    """A no-show or a late cancel, as the catalogue has it: everything is filled in, one press records it."""
    client = access_client(viewer, client_id)
    initial = {"on": get_today(viewer), "clinician": viewer.clinician_id or client.clinician_id}
    form = FeeForm(request.POST or None, viewer=viewer, initial=initial)
    if form.is_valid():
        done = run(
            form,
            lambda: record_fee(viewer=viewer, client=client, **form.cleaned_data),
        )
        if done is not None:
            _tell_recorded(request, *done)
            return redirect("desk:client_services", client.id)
    return show(
        request, viewer, "service_fee", "clients", client=client, form=form, status=422 if form.errors else 200
    )


def _record(viewer: StaffViewer, client: Client, form: ServiceForm) -> Service:
    """One service. What the client has on that day already is recorded again only where staff say so."""
    on, values = form.cleaned_data["on"], _values_of(form)
    if form.cleaned_data["is_second"]:
        return record_service(practice=viewer.practice, client=client, on=on, actor_id=viewer.id, **values)
    recorded, _taken = record_each_day(client=client, days=[on], actor_id=viewer.id, **values)
    if not recorded:
        raise UserError(
            _("This service is recorded for that day already. Tick this if there were two."),
            code="service_taken", field="is_second",
        )  # fmt: skip
    return recorded[0]


def _values_of(form: ServiceForm) -> dict[str, Any]:
    """What `record_service` takes of the form, but for the day."""
    values = form.cleaned_data
    insurer = values["insurer"]
    return {
        "clinician": values["clinician"],
        "catalog_item": values["catalog_item"],
        "units": values["units"],
        "fee": values["fee"],
        "insurer_minor": insurer.minor if insurer else 0,
        "modifiers": values["modifiers"],
        "location": values.get("location"),
        "place_of_service": values["place_of_service"] or "11",
        "diagnosis_ids": [diagnosis.id for diagnosis in values.get("diagnoses") or ()],
    }
