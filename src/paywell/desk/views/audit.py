"""Who did or viewed what."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.desk.forms.audit import AuditFilterForm
from paywell.desk.pages import page_of, show
from paywell.desk.queries.audit import AuditFilter, list_audit


@require_safe
@desk_view(Permission.SEE_CLIENTS)
def audit(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """Each role reads of the trail what it may see at the desk (`queries.audit_sight`)."""
    form = AuditFilterForm(request.GET, viewer=viewer)
    wanted = form.wanted()
    page = list_audit(viewer, wanted, page=page_of(request))
    query = request.GET.copy()
    query.pop("page", None)
    return show(
        request, viewer, "audit", "audit",
        page=page, form=form, wanted=wanted, is_narrowed=wanted != AuditFilter(), query=query.urlencode(),
    )  # fmt: skip
