"""What every desk view shares: its frame, and how an action's word of correction reaches the form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from paywell.accounts.queries import list_staff_practices
from paywell.accounts.types import Permission, StaffViewer
from paywell.billing.models import SecondPersonRequest
from paywell.core.errors import UserError
from paywell.core.money import Money
from paywell.desk.queries.waiting import count_waiting

Result = TypeVar("Result")


def show(
    request: HttpRequest, viewer: StaffViewer, template: str, section: str, *, status: int = 200, **context: Any
) -> HttpResponse:
    """One page of the desk. `section` is the rail's entry that stands out."""
    frame = {
        "viewer": viewer,
        "section": section,
        "may": {permission.value: viewer.may(permission) for permission in Permission},
        "zone": viewer.practice.timezone,
        "memberships": list_staff_practices(request.user),  # type: ignore[arg-type]
        "in_setup": in_setup(request),
        "waiting_count": count_waiting(viewer),
    }
    return render(request, f"desk/{template}.html", frame | context, status=status)


def run(form: forms.Form, action: Callable[[], Result]) -> Result | None:
    """What `action` gives; or None, with what the person can put right said in the form."""
    try:
        return action()
    except UserError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return None


def succeeds(form: forms.Form, action: Callable[[], object]) -> bool:
    """Whether `action` went through; if not, the form says why."""
    return run(form, action) is not None


def act(request: HttpRequest, action: Callable[[], Any], *, done: str, back: str, **where: Any) -> HttpResponse:
    """For a button without a form: do it, say so (or say why not), and go `back`."""
    try:
        action()
    except UserError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, done)
    return redirect(back, **where)


def decide(
    request: HttpRequest,
    viewer: StaffViewer,
    page: str,
    wanted: SecondPersonRequest,
    do: Callable[[bool], HttpResponse],
    **context: Any,
) -> HttpResponse:
    """A page on which a second person decides what the first one asked for. `page` names address and template.

    `do` gets whether it is approved, says what came of it and where to go; what it refuses is said on the page.
    """
    if request.method == "POST":
        try:
            return do(request.POST.get("decision") == "approve")
        except UserError as error:
            messages.error(request, error.message)
            return redirect(f"desk:{page}", wanted.id)
    return show(
        request, viewer, page, "inbox",
        wanted=wanted, amount=Money(wanted.amount_minor, wanted.currency),
        is_own=wanted.requested_by_id == viewer.id, **context,
    )  # fmt: skip


def in_setup(request: HttpRequest) -> bool:
    """Whether the page was opened as a step of the set-up (`?setup=1`)."""
    return request.GET.get("setup") == "1"


def leave(request: HttpRequest, to: str, *ids: Any) -> HttpResponse:
    """After a form: to where it belongs, or back to the set-up whose step it was."""
    return redirect("desk:setup") if in_setup(request) else redirect(to, *ids)


def page_of(request: HttpRequest) -> int:
    """The page of a list that the address asks for; the first one where it makes no sense."""
    asked = request.GET.get("page", "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1


def query_of(request: HttpRequest) -> str:
    """What narrows a list, for the address of its file: without the page."""
    query = request.GET.copy()
    query.pop("page", None)
    return query.urlencode()
