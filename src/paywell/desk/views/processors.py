"""The practice's card processor: choosing, connecting, its keys, its check, disconnecting."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.core.errors import UserError
from paywell.desk.forms.processors import ConnectionForm, list_connectors
from paywell.desk.pages import act, leave, run, show
from paywell.payments.processor_accounts import (
    change_connection,
    check_connection,
    connect_processor,
    disconnect_processor,
    get_active,
    get_notice_url,
    try_connection,
)
from paywell.payments.recollect import count_recollections, list_earlier_accounts
from paywell.processors.registry import CONNECTORS, get_setup

_FORM = ["GET", "HEAD", "POST"]


@require_safe
@desk_view(Permission.CHANGE_SETTINGS)
def processor_choose(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """Which processor: each with what the payer will see."""
    choices = [(one, get_setup(one.name)) for one in list_connectors()]
    return show(request, viewer, "processor_choose", "settings", choices=choices)


@require_http_methods(_FORM)
@desk_view(Permission.CHANGE_SETTINGS)
def processor_connect(request: HttpRequest, viewer: StaffViewer, connector: str) -> HttpResponse:
    """Tries the keys first: what does not work is not stored, and clients notice nothing."""
    chosen = next((one for one in list_connectors() if one.name == connector), None)
    if chosen is None:
        raise Http404
    setup = get_setup(connector)
    form = ConnectionForm(setup, request.POST if request.method == "POST" else None)
    if form.is_valid() and _works(form, connector):
        account = run(
            form,
            lambda: connect_processor(
                practice=viewer.practice, actor_id=viewer.id, connector=connector, **form.connection()
            ),
        )
        if account is not None:
            messages.success(request, _("The processor is connected."))
            return leave(request, "desk:processor")
    return show(
        request, viewer, "processor_form", "settings",
        form=form, connector=chosen, setup=setup, is_new=True, status=422 if form.errors else 200,
    )  # fmt: skip


@require_safe
@desk_view(Permission.CHANGE_SETTINGS)
def processor(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """The connected one: its mode, and where its notices go."""
    active = get_active(viewer.practice.id)
    if active is None:
        return redirect("desk:processor_choose")
    setup = get_setup(active.connector)
    return show(
        request, viewer, "processor", "settings",
        active=active, connector=CONNECTORS[active.connector], setup=setup, notice_url=get_notice_url(active),
        earlier=list_earlier_accounts(viewer.practice.id), waiting=count_recollections(viewer),
        lacks_notices=any(
            each.name == "notice_secret" and not active.secrets.get("notice_secret") for each in setup.fields
        ),
    )  # fmt: skip


@require_http_methods(_FORM)
@desk_view(Permission.CHANGE_SETTINGS)
def processor_keys(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """Other keys for the connected account. They are tried first, too."""
    active = get_active(viewer.practice.id)
    if active is None:
        return redirect("desk:processor_choose")
    setup = get_setup(active.connector)
    form = ConnectionForm(setup, request.POST if request.method == "POST" else None, account=active)
    if form.is_valid() and _works(form, active.connector):
        changed = run(form, lambda: change_connection(account=active, actor_id=viewer.id, **form.connection()))
        if changed is not None:
            messages.success(request, _("The keys are saved."))
            return redirect("desk:processor")
    return show(
        request, viewer, "processor_form", "settings",
        form=form, connector=CONNECTORS[active.connector], setup=setup, is_new=False,
        status=422 if form.errors else 200,
    )  # fmt: skip


@require_POST
@desk_view(Permission.CHANGE_SETTINGS)
def processor_check(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """Ask the processor now whether the connection works."""
    active = get_active(viewer.practice.id)
    if active is None:
        return redirect("desk:processor_choose")
    problems = check_connection(active)
    for problem in problems:
        messages.error(request, problem)
    if not problems:
        messages.success(request, _("The connection works."))
    return redirect("desk:processor")


@require_http_methods(_FORM)
@desk_view(Permission.CHANGE_SETTINGS)
def processor_disconnect(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """Asks once more, then stops new payments; what was begun is followed to its end."""
    active = get_active(viewer.practice.id)
    if active is None:
        messages.info(request, _("No processor is connected."))
        return redirect("desk:settings")
    if request.method == "POST":
        return act(
            request,
            lambda: disconnect_processor(practice=viewer.practice, actor_id=viewer.id),
            done=_("The processor is disconnected. Clients can't pay online until one is connected."),
            back="desk:settings",
        )
    return show(
        request, viewer, "processor_disconnect", "settings",
        active=active, connector=CONNECTORS.get(active.connector),
    )  # fmt: skip


def _works(form: ConnectionForm, connector: str) -> bool:
    """Whether the processor takes these keys; if not, its reasons stand in the form."""
    try:
        problems = try_connection(connector=connector, **form.merged())
    except UserError as error:
        problems = [error.message]
    for problem in problems:
        form.add_error(None, problem)
    return not problems
