"""How the practice bills: invoices by rule, and for whom not; refunds that need a second person."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from paywell.accounts.queries import count_who_may
from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.billing.models import Cadence
from paywell.billing.rules import get_rules, set_invoiced_by_rule, set_rules
from paywell.clients.access import access_client
from paywell.core.money import Money
from paywell.desk.forms.base import DeskForm, MoneyField
from paywell.desk.pages import act, run, show


class RulesForm(DeskForm):
    cadence = forms.ChoiceField(
        label=gettext_lazy("Issue invoices by themselves"),
        choices=Cadence.choices,
        widget=forms.RadioSelect,
        help_text=gettext_lazy(
            "For services until the day before that are on no invoice yet. It begins with the next day, week or "
            "month."
        ),
    )
    approve_above = MoneyField(
        label=gettext_lazy("Refunds, paid out credit and payments taken back above this need a second person"),
        required=False,
        help_text=gettext_lazy(
            "All refunds of one payment count together, and all credit paid out to one account within thirty days. "
            "Empty: nobody has to approve."
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.CHANGE_SETTINGS)
def billing_rules(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    rules = get_rules(viewer.practice)
    above = rules.approve_refunds_above_minor
    initial = {
        "cadence": rules.invoice_cadence,
        "approve_above": Money(above, viewer.practice.currency) if above is not None else None,
    }
    form = RulesForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        said = form.cleaned_data
        done = run(
            form,
            lambda: set_rules(viewer=viewer, cadence=Cadence(said["cadence"]), approve_above=said["approve_above"]),
        )
        if done is not None:
            messages.success(request, _("The rules are saved."))
            if done.approve_refunds_above_minor is not None and count_who_may(Permission.REFUND, viewer=viewer) < 2:
                messages.warning(
                    request,
                    _("Nobody else here may refund, so nobody could approve one. Add a biller under Staff."),
                )
            return redirect("desk:settings")
    return show(request, viewer, "billing_rules", "settings", form=form, status=422 if form.errors else 200)


@require_POST
@desk_view(Permission.ISSUE_INVOICES)
def client_by_rule(request: HttpRequest, viewer: StaffViewer, client_id: UUID) -> HttpResponse:
    """Whether the rule makes this client's invoices."""
    client = access_client(viewer, client_id)
    is_on = request.POST.get("on") == "yes"
    return act(
        request,
        lambda: set_invoiced_by_rule(viewer=viewer, client=client, is_on=is_on),
        done=_("The rule makes this client's invoices.") if is_on else _("This client is invoiced by hand alone."),
        back="desk:client_billing",
        client_id=client.id,
    )
