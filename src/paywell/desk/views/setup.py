"""The set-up's list: what is done, what comes next. Each step is a page of the settings and saves by itself."""

from __future__ import annotations

from django.conf import settings as configuration
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.desk.actions import try_test_processor
from paywell.desk.pages import act, show
from paywell.desk.queries.setup import get_checklist
from paywell.practice.actions import close_setup


@require_safe
@desk_view(Permission.CHANGE_SETTINGS)
def setup(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    return show(
        request, viewer, "setup", "inbox",
        checklist=get_checklist(viewer.practice), tests_allowed=configuration.ALLOW_TEST_PROCESSORS,
    )  # fmt: skip


@require_POST
@desk_view(Permission.CHANGE_SETTINGS)
def setup_close(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    return act(
        request,
        lambda: close_setup(practice=viewer.practice, actor_id=viewer.id),
        done=_("The list is put away. Everything in it stays under Settings."),
        back="desk:inbox",
    )


@require_POST
@desk_view(Permission.CHANGE_SETTINGS)
def setup_try(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """Connect the test processor with keys made up here, to try everything out."""
    if not configuration.ALLOW_TEST_PROCESSORS:
        raise Http404
    return act(
        request,
        lambda: try_test_processor(viewer=viewer),
        done=_("The test processor is connected. It takes money that does not exist."),
        back="desk:setup",
    )
