"""Notices: their texts, when clients are reminded, and what became of each e-mail."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.desk.access import refuse
from paywell.desk.forms.notices import DeliveryFilterForm, NoticeTextForm, ReminderForm
from paywell.desk.pages import act, page_of, run, show, succeeds
from paywell.desk.types import paginate
from paywell.notifications.kinds import KINDS, PLACEHOLDERS, NoticeKind
from paywell.notifications.log import list_deliveries, name_rows
from paywell.notifications.messages import get_front_door
from paywell.notifications.models import NoticeText
from paywell.notifications.recipients import list_silent_clinicians
from paywell.notifications.reminders import get_reminder_rules, set_reminder_rules
from paywell.notifications.texts import (
    check_own,
    fill,
    find_private,
    find_refusal,
    get_text,
    restore_text,
    set_text,
)


@require_safe
@desk_view(Permission.CHANGE_SETTINGS)
def notices(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    private = find_private(viewer.practice)
    texts = NoticeText.objects.filter(practice=viewer.practice, kind__in=KINDS)
    own = {text.kind: find_refusal(text, private) for text in texts}
    return show(
        request, viewer, "notices", "settings",
        kinds=[(kind, kind.key in own, own.get(kind.key, "")) for kind in KINDS.values()],
        rules=get_reminder_rules(viewer.practice),
        silent=list_silent_clinicians(viewer.practice).filter(is_active=True),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.CHANGE_SETTINGS)
def notice_edit(request: HttpRequest, viewer: StaffViewer, notice: str) -> HttpResponse:
    """The text, and how it reads; `step=preview` keeps nothing."""
    kind = _access_kind(viewer, notice)
    text, private = get_text(viewer.practice, kind), find_private(viewer.practice)
    form = NoticeTextForm(
        request.POST if request.method == "POST" else None, initial={"subject": text.subject, "body": text.body},
        kind=kind, private=private,
    )  # fmt: skip
    subject, body = text.subject, text.body
    if form.is_valid():
        said = form.cleaned_data
        if request.POST.get("step") == "preview":
            checked = run(form, lambda: check_own(viewer.practice, kind, said["subject"], said["body"]))
            subject, body = checked or (subject, body)
        elif succeeds(form, lambda: set_text(viewer=viewer, kind=kind, subject=said["subject"], body=said["body"])):
            messages.success(request, _("The text is saved. It holds from the next e-mail on."))
            return redirect("desk:notices")
    return show(
        request, viewer, "notice_edit", "settings",
        form=form, kind=kind, text=text, refusal=find_refusal(text, private) if text.changed_at else "",
        placeholders=[(name, PLACEHOLDERS[name]) for name in kind.placeholders],
        preview=fill(viewer.practice, kind, subject, body, link=get_front_door(), days=3),
        status=422 if form.errors else 200,
    )  # fmt: skip


@require_POST
@desk_view(Permission.CHANGE_SETTINGS)
def notice_restore(request: HttpRequest, viewer: StaffViewer, notice: str) -> HttpResponse:
    kind = _access_kind(viewer, notice)
    return act(
        request,
        lambda: restore_text(viewer=viewer, kind=kind),
        done=_("The standard text holds again."),
        back="desk:notice_edit",
        notice=kind.key,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.CHANGE_SETTINGS)
def reminders(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    rules = get_reminder_rules(viewer.practice)
    initial = {name: getattr(rules, name) for name in ReminderForm.base_fields}
    form = ReminderForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid() and succeeds(form, lambda: set_reminder_rules(viewer=viewer, **form.cleaned_data)):
        is_on = form.cleaned_data["is_on"]
        messages.success(request, _("Clients are reminded from today on.") if is_on else _("Reminders are off."))
        return redirect("desk:notices")
    return show(request, viewer, "reminders", "settings", form=form, status=422 if form.errors else 200)


@require_safe
@desk_view(Permission.SEE_AUDIT)
def deliveries(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """The delivery log."""
    form = DeliveryFilterForm(request.GET)
    wanted = form.wanted()
    rows = list_deliveries(viewer, outcome=wanted["outcome"], notice=wanted["notice"])
    page = paginate(rows, page_of(request), lambda found: name_rows(viewer, found))
    return show(request, viewer, "deliveries", "settings", page=page, form=form, is_narrowed=any(wanted.values()))


def _access_kind(viewer: StaffViewer, notice: str) -> NoticeKind:
    if notice not in KINDS:
        refuse(viewer, "notice", notice, "unknown kind")
    return KINDS[notice]
