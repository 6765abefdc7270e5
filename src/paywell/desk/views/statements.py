"""Statements of many accounts: whom for, a preview, and the long work that makes them."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.core.ids import new_key
from paywell.core.money import Money
from paywell.desk.forms.billing import StatementBatchForm
from paywell.desk.pages import run, show
from paywell.desk.queries.scope import get_today
from paywell.documents.batches import Output, StatementFor, Which, list_statement_accounts, request_statements

#: The preview names so many accounts; the sum is of all.
SHOWN: Final = 200


@require_http_methods(["GET", "HEAD", "POST"])
@desk_view(Permission.ISSUE_INVOICES)
def statement_batch(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """Nothing is issued without the preview's button; then the worker does it, and this leads to its progress."""
    last = get_today(viewer).replace(day=1) - timedelta(days=1)
    initial = {"date_from": last.replace(day=1), "date_to": last, "which": Which.OWING, "output": Output.ZIP}
    asked = request.POST if request.method == "POST" else (request.GET if "date_from" in request.GET else None)
    form = StatementBatchForm(asked, initial=initial)
    preview: list[StatementFor] | None = None
    if form.is_valid():
        values = form.cleaned_data
        days = {"date_from": values["date_from"], "date_to": values["date_to"]}
        which = Which(values["which"])
        if request.method == "POST":
            output = Output(values["output"])
            work = run(
                form,
                lambda: request_statements(viewer, which=which, output=output, key=values["key"], **days),
            )
            if work is not None:
                return redirect("desk:work", work.id)
        else:
            preview = run(form, lambda: list_statement_accounts(viewer, which=which, **days))
    return show(
        request, viewer, "statement_batch", "invoices",
        form=form, preview=preview and preview[:SHOWN], count=len(preview or ()), key=new_key(),
        has_preview=preview is not None,
        total=sum((each.balance for each in preview or ()), Money(0, viewer.practice.currency)),
        status=422 if form.errors else 200,
    )  # fmt: skip
