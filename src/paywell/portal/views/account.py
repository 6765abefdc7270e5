"""Which account is open."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from paywell.clients.access import switch_account
from paywell.clients.types import PortalViewer
from paywell.clients.web import portal_view
from paywell.portal.forms import read_ids


@require_POST
@portal_view
def switch(request: HttpRequest, viewer: PortalViewer) -> HttpResponse:
    """Open another account of the same person. Back to the home: no other page is about both."""
    (account_id,) = read_ids(viewer, [request.POST.get("account", "")], "account")
    opened = switch_account(request, account_id)
    messages.info(request, _("You now see the account of %(name)s.") % {"name": opened.account.name})
    return redirect("portal:home")
