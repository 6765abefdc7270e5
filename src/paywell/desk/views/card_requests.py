"""After a change of processor: whose cards stayed at the earlier one, and the e-mail that asks for a card again."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from paywell.accounts.types import Permission, StaffViewer
from paywell.accounts.web import desk_view
from paywell.core.errors import UserError
from paywell.desk.pages import page_of, show
from paywell.desk.views.ids import read_ids
from paywell.notifications.card_requests import Asked, ask_for_cards, list_card_requests
from paywell.notifications.messages import card_wanted

#: More names than this stand in the list itself, each with its reason.
_NAMED = 10


@require_safe
@desk_view(Permission.SEE_MONEY)
def recollect(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """The list, with who was asked when, and why others can't be."""
    page = list_card_requests(viewer, page_of(request))
    may_ask = viewer.may(Permission.EDIT_CLIENTS)
    return show(
        request, viewer, "recollect", "settings",
        page=page, is_askable=may_ask and any(each.may_ask for each in page.rows),
        preview=card_wanted(viewer.practice) if may_ask else None,
    )  # fmt: skip


@require_POST
@desk_view(Permission.EDIT_CLIENTS)
def recollect_ask(request: HttpRequest, viewer: StaffViewer) -> HttpResponse:
    """One e-mail to each who is ticked, or to everybody; never a second one."""
    chosen = None if request.POST.get("who") == "all" else read_ids(request.POST.getlist("payer"))
    if chosen == []:
        messages.error(request, _("Choose somebody first, or write to all. Nothing was sent."))
        return redirect("desk:recollect")
    try:
        asked = ask_for_cards(viewer=viewer, contact_ids=chosen)
    except UserError as error:
        messages.error(request, error.message)
        return redirect("desk:recollect")
    _tell(request, asked)
    return redirect("desk:recollect")


def _tell(request: HttpRequest, asked: Asked) -> None:
    if asked.count:
        words = ngettext("%(count)s e-mail is on its way.", "%(count)s e-mails are on their way.", asked.count)
        messages.success(request, words % {"count": asked.count})
    else:
        messages.info(request, _("Nothing was sent: nobody is left to write to."))
    if asked.left_out:
        names = "; ".join(f"{name} ({why})" for name, why in asked.left_out[:_NAMED])
        more = len(asked.left_out) - _NAMED
        if more > 0:
            names += "; " + ngettext("and %(count)s more", "and %(count)s more", more) % {"count": more}
        messages.warning(request, _("Left out: %(names)s.") % {"names": names})
