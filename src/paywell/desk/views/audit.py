"""Who did or viewed what: on the screen, and as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.audit.actions import record
from paywell.core.csv_export import csv_response
from paywell.desk.forms.audit import AuditFilterForm
from paywell.desk.pages import page_of, show
from paywell.desk.queries.audit import AuditFilter, iterate_audit, list_audit

_HEADER = ("Time (UTC)", "By", "What", "Of", "Name", "ID", "Detail", "Chain", "Place", "Hash")


@require_safe
@desk_view(Permission.SEE_AUDIT)
def audit(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    form = AuditFilterForm(request.GET, viewer=viewer)
    wanted = form.wanted()
    page = list_audit(viewer, wanted, page=page_of(request))
    query = request.GET.copy()
    query.pop("page", None)
    return show(
        request, viewer, "audit", "audit",
        page=page, form=form, wanted=wanted, is_narrowed=wanted != AuditFilter(), query=query.urlencode(),
    )  # fmt: skip


@require_safe
@desk_view(Permission.SEE_AUDIT)
def audit_csv(request: HttpRequest, viewer: StaffViewer) -> HttpResponseBase:
    """What the page shows, whole. That it was taken out stands in the trail too."""
    wanted = AuditFilterForm(request.GET, viewer=viewer).wanted()
    record(practice_id=viewer.practice.id, actor_id=viewer.id, action="audit.download")
    return csv_response(_HEADER, _rows(viewer, wanted), file_name="audit.csv")


def _rows(viewer: StaffViewer, wanted: AuditFilter) -> Iterator[list[str]]:
    for row in iterate_audit(viewer, wanted):
        event = row.event
        yield [
            event.at.isoformat(timespec="milliseconds"), row.actor or "Paywell", event.action, event.target_kind,
            row.name, str(event.target_id or ""), json.dumps(event.detail, sort_keys=True), str(event.chain_id),
            str(event.seq), event.hash,
        ]  # fmt: skip
