"""Who owes for a client: a new account, one that another client has already, its name and address."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.clients.access import access_billing_account, access_client
from paywell.clients.actions import create_billing_account
from paywell.clients.billing_accounts import change_billing_account, set_default_account
from paywell.clients.queries import find_accounts
from paywell.desk.access import refuse
from paywell.desk.forms.clients import AccountForm
from paywell.desk.pages import run, show, succeeds
from paywell.desk.queries.accounts import choose_account
from paywell.desk.views.ids import read_ids


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.EDIT_CLIENTS)
def client_account_new(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    """A billing account for somebody else who owes for the client, led on to their access."""
    row = access_client(viewer, client_id)
    form = AccountForm(request.POST or None)
    if form.is_valid():
        account = run(
            form,
            lambda: create_billing_account(practice=viewer.practice, actor_id=viewer.id, **form.cleaned_data),
        )
        if account is not None:
            messages.success(request, _("The account is made. Now say who may use it."))
            return redirect(f"{reverse('desk:person_new', args=[row.id])}?account={account.id}")
    return show(
        request, viewer, "account_form", "clients", client=row, form=form, status=422 if form.errors else 200
    )


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.EDIT_CLIENTS)
def client_account_edit(
    request: HttpRequest, viewer: StaffViewer, client_id: UUID, account_id: UUID
) -> HttpResponse:
    """The name and address that invoices have from now on."""
    row = access_client(viewer, client_id)
    account, _accounts = choose_account(viewer, row, str(account_id))
    initial = {name: getattr(account, name) for name in AccountForm.base_fields}
    form = AccountForm(request.POST or None, initial=initial)
    if form.is_valid() and succeeds(
        form, lambda: change_billing_account(account=account, actor_id=viewer.id, **form.cleaned_data)
    ):
        messages.success(request, _("The account is saved. What is issued already stays as it is."))
        return redirect("desk:client_billing", row.id)
    return show(
        request, viewer, "account_form", "clients",
        client=row, account=account, form=form, status=422 if form.errors else 200,
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.EDIT_CLIENTS)
def client_account_choose(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    """An account on file becomes the client's default one: two children on their parents' account."""
    row = access_client(viewer, client_id)
    if request.method == "POST":
        ids = read_ids(request.POST.getlist("account"))
        if len(ids) != 1:
            refuse(viewer, "billing account", "", "none named")
        account = access_billing_account(viewer, ids[0])
        set_default_account(client=row, account=account, actor_id=viewer.id)
        messages.success(
            request,
            _("%(account)s owes for new services from now on. Look who may see and pay them.")
            % {"account": account.name},
        )
        return redirect("desk:client_people", row.id)
    words = request.GET.get("q", "").strip()[:100]
    return show(
        request, viewer, "account_choose", "clients",
        client=row, words=words, accounts=find_accounts(viewer=viewer, client=row, words=words),
    )  # fmt: skip
