"""Long work: the list, one with its progress, stopping it, and the files that came of it."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.audit.actions import record
from paywell.core.errors import UserError
from paywell.core.zips import stream_zip
from paywell.desk.access import access_work, access_work_file, refuse
from paywell.desk.pages import act, page_of, show
from paywell.desk.queries.work import get_work_page, list_works
from paywell.work.actions import cancel_work
from paywell.work.models import Work
from paywell.work.queries import read_files

#: A person whose right a kind of work needs sees it; the desk itself is open to all staff.
_SEE: Final = Permission.SEE_DESK


@require_safe
@desk_view(_SEE)
def works(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    return show(request, viewer, "works", "work", page=list_works(viewer, page=page_of(request)))


@require_safe
@desk_view(_SEE)
def work(request: HttpRequest, viewer: StaffViewer, work_id: UUID) -> HttpResponse:
    found = access_work(viewer, work_id)
    may_cancel = _may_cancel(viewer, found)
    return show(request, viewer, "work", "work", found=get_work_page(found), may_cancel=may_cancel)


@require_POST
@desk_view(_SEE)
def work_cancel(request: HttpRequest, viewer: StaffViewer, work_id: UUID) -> HttpResponse:
    """Stop before the next step; what is done stays done."""
    found = access_work(viewer, work_id)
    if not _may_cancel(viewer, found):
        refuse(viewer, "work", work_id, "asked for by somebody else")
    return act(
        request,
        lambda: _cancel(viewer, found),
        done=_("It stops before the next step. What is done stays done."),
        back="desk:work",
        work_id=work_id,
    )


@require_safe
@desk_view(_SEE)
def work_file(request: HttpRequest, viewer: StaffViewer, work_id: UUID, file_id: UUID) -> HttpResponse:
    """One file, to keep."""
    file = access_work_file(viewer, work_id, file_id)
    _note_download(viewer, work_id, file.name)
    response = HttpResponse(bytes(file.content), content_type=file.content_type)
    response["Content-Disposition"] = f'attachment; filename="{_safe(file.name)}"'
    return response


@require_safe
@desk_view(_SEE)
def work_zip(request: HttpRequest, viewer: StaffViewer, work_id: UUID) -> HttpResponseBase:
    """All files in one ZIP, written while it is sent."""
    found = access_work(viewer, work_id)
    _note_download(viewer, work_id, "files.zip")
    files = ((file.name, file.created_at, bytes(file.content)) for file in read_files(found))
    response = StreamingHttpResponse(stream_zip(files), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{slugify(found.title)[:80] or "files"}.zip"'
    return response


def _may_cancel(viewer: StaffViewer, found: Work) -> bool:
    """Whoever asked for it, or the practice's owner and biller."""
    return found.requested_by == viewer.id or viewer.may(Permission.ISSUE_INVOICES)


def _cancel(viewer: StaffViewer, found: Work) -> None:
    if not cancel_work(work=found, actor_id=viewer.id).cancel_requested_at:
        raise UserError(_("It had ended already."), code="work_ended")


def _note_download(viewer: StaffViewer, work_id: UUID, name: str) -> None:
    record(
        practice_id=viewer.practice.id, actor_id=viewer.id, action="work.download_file",
        target_kind="work", target_id=work_id, detail={"file": name},
    )  # fmt: skip


def _safe(name: str) -> str:
    """A name that can stand in a header."""
    stem, _dot, ending = name.rpartition(".")
    return f"{slugify(stem) or 'file'}.{slugify(ending) or 'bin'}"
