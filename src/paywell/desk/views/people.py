"""The people with access to a client: grants with rights and dates, invitations."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from paywell.accounts.actions import withdraw_invitation
from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.clients import actions
from paywell.clients.access import access_billing_account, access_client, access_grant
from paywell.clients.models import BillingAccount, Client, Contact, Grant
from paywell.clients.queries import list_accounts
from paywell.core.templatetags.paywell import day as write_day
from paywell.desk.access import access_contact, refuse
from paywell.desk.actions import add_person, change_rights
from paywell.desk.forms.clients import AccessForm, ContactForm, EndAccessForm, PersonForm
from paywell.desk.pages import act, run, show, succeeds
from paywell.desk.queries.clients import get_contact_status, get_header, list_people
from paywell.desk.queries.scope import get_today


@require_safe
@desk_view(Permission.SEE_CLIENTS)
def people(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    row = access_client(viewer, client_id)
    return show(
        request, viewer, "client_people", "clients",
        client=row, header=get_header(viewer, row), tab="people", people=list_people(viewer, row),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.EDIT_CLIENTS)
def person_new(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    row = access_client(viewer, client_id)
    accounts, chosen = _offered_accounts(request, viewer, row)
    form = PersonForm(
        request.POST or None, client=row, accounts=accounts,
        initial={"valid_from": get_today(viewer), "account": chosen},
    )  # fmt: skip
    if form.is_valid():
        contact = run(form, lambda: add_person(viewer=viewer, client=row, **form.cleaned_data))
        if contact is not None:
            messages.success(request, _say_access(viewer, contact, form.cleaned_data["valid_from"]))
            if form.cleaned_data["invite"] and contact.user_id is None:
                messages.info(request, _("An invitation is on its way to %(email)s.") % {"email": contact.email})
            return redirect("desk:client_people", row.id)
    return show(
        request, viewer, "person_form", "clients", client=row, form=form, status=422 if form.errors else 200
    )


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.EDIT_CLIENTS)
def contact_edit(request: HttpRequest, viewer: StaffViewer, client_id: UUID, contact_id: UUID) -> HttpResponse:
    """A mistyped e-mail, another name or phone of a person with access."""
    row, contact = access_client(viewer, client_id), access_contact(viewer, contact_id)
    _check_same(viewer, row, contact_id)
    was_invited = get_contact_status(contact) == "invited"
    initial = {name: getattr(contact, name) for name in ContactForm.base_fields}
    form = ContactForm(request.POST or None, initial=initial)
    if form.is_valid() and succeeds(
        form, lambda: actions.change_contact(contact=contact, actor_id=viewer.id, **form.cleaned_data)
    ):
        messages.success(request, _("%(name)s is saved.") % {"name": form.cleaned_data["name"]})
        if was_invited and "email" in form.changed_data:
            messages.info(request, _("The invitation to the earlier address no longer works. Send a new one."))
        return redirect("desk:client_people", row.id)
    return show(
        request, viewer, "contact_form", "clients",
        client=row, contact=contact, form=form, status=422 if form.errors else 200,
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.EDIT_CLIENTS)
def grant_change(request: HttpRequest, viewer: StaffViewer, client_id: UUID, grant_id: UUID) -> HttpResponse:
    """Other rights from a day on: the old grant ends, a new one begins, and both stay on file."""
    grant = _grant(viewer, client_id, grant_id)
    accounts = {account.id: account for account in list_accounts(viewer=viewer, client=grant.client)}
    accounts[grant.account_id] = grant.account
    today = get_today(viewer)
    initial = {name: getattr(grant, name) for name in AccessForm.base_fields} | {"valid_from": today}
    form = AccessForm(request.POST or None, accounts=list(accounts.values()), initial=initial)
    if form.is_valid() and succeeds(form, lambda: change_rights(viewer=viewer, grant=grant, **form.cleaned_data)):
        messages.success(request, _("The rights of %(name)s are changed.") % {"name": grant.contact.name})
        return redirect("desk:client_people", grant.client_id)
    return show(
        request, viewer, "grant_form", "clients",
        client=grant.client, grant=grant, form=form, status=422 if form.errors else 200,
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.EDIT_CLIENTS)
def grant_end(request: HttpRequest, viewer: StaffViewer, client_id: UUID, grant_id: UUID) -> HttpResponse:
    """Asks once more, naming whose access ends, then ends it."""
    grant = _grant(viewer, client_id, grant_id)
    form = EndAccessForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and succeeds(
        form, lambda: actions.end_grant(grant=grant, last_day=form.cleaned_data["last_day"], actor_id=viewer.id)
    ):
        last, name = form.cleaned_data["last_day"], grant.contact.name
        if last and last >= get_today(viewer):
            said = _("The access of %(name)s ends after %(day)s.") % {"name": name, "day": write_day(last)}
        else:
            said = _("The access of %(name)s is ended.") % {"name": name}
        messages.success(request, said)
        return redirect("desk:client_people", grant.client_id)
    return show(
        request, viewer, "grant_end", "clients",
        client=grant.client, grant=grant, form=form, status=422 if form.errors else 200,
    )  # fmt: skip


@require_POST
@desk_view(Permission.EDIT_CLIENTS)
def invite(request: HttpRequest, viewer: StaffViewer, client_id: UUID, contact_id: UUID) -> HttpResponse:
    """Send an invitation, or another one: an earlier link stops working."""
    row, contact = access_client(viewer, client_id), access_contact(viewer, contact_id)
    _check_same(viewer, row, contact_id)
    return act(
        request,
        lambda: actions.invite_contact(contact=contact, invited_by=viewer.id),
        done=_("An invitation is on its way to %(email)s.") % {"email": contact.email},
        back="desk:client_people",
        client_id=row.id,
    )


@require_POST
@desk_view(Permission.EDIT_CLIENTS)
def invitation_withdraw(
    request: HttpRequest, viewer: StaffViewer, client_id: UUID, contact_id: UUID
) -> HttpResponse:
    row, contact = access_client(viewer, client_id), access_contact(viewer, contact_id)
    _check_same(viewer, row, contact_id)
    invitation = contact.invitation
    if invitation is None:
        refuse(viewer, "invitation", contact_id, "no invitation")
    return act(
        request,
        lambda: withdraw_invitation(invitation=invitation, actor_id=viewer.id),
        done=_("The link sent to %(email)s no longer works.") % {"email": invitation.email},
        back="desk:client_people",
        client_id=row.id,
    )


def _say_access(viewer: StaffViewer, contact: Contact, first: date) -> str:
    """Whether the person has access already, or from when."""
    if first > get_today(viewer):
        return _("%(name)s has access from %(day)s on.") % {"name": contact.name, "day": write_day(first)}
    return _("%(name)s has access now.") % {"name": contact.name}


def _grant(viewer: StaffViewer, client_id: UUID, grant_id: UUID) -> Grant:
    row = access_client(viewer, client_id)
    grant = access_grant(viewer, grant_id)
    if grant.client_id != row.id or grant.withdrawn_at is not None:
        refuse(viewer, "grant", grant_id, "another client's, or ended")
    return grant


def _check_same(viewer: StaffViewer, row: Client, contact_id: UUID) -> None:
    if not Grant.objects.filter(practice=viewer.practice, client=row, contact_id=contact_id).exists():
        refuse(viewer, "contact", contact_id, "no grant for this client")


def _offered_accounts(
    request: HttpRequest, viewer: StaffViewer, row: Client
) -> tuple[list[BillingAccount], BillingAccount]:
    """The client's accounts, and the one just made for them (`?account=`), which then stands chosen."""
    accounts = {account.id: account for account in list_accounts(viewer=viewer, client=row)}
    chosen = row.default_account
    asked = request.GET.get("account") or request.POST.get("account") or ""
    try:
        asked_id = UUID(asked)
    except ValueError:
        return list(accounts.values()), chosen
    if asked_id not in accounts:
        accounts[asked_id] = access_billing_account(viewer, asked_id)
    return list(accounts.values()), accounts[asked_id]
