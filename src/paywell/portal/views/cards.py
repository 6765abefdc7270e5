"""Saved cards: list, name, default, remove."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from paywell.agreements.queries import find_agreed_cards
from paywell.clients.types import PortalViewer
from paywell.clients.web import portal_view
from paywell.core.errors import UserError
from paywell.payments.access import access_saved_card
from paywell.payments.card_names import name_card
from paywell.payments.cards import list_cards, remove_card, rename_card, set_default_card


@require_safe
@portal_view
def cards(request: HttpRequest, viewer: PortalViewer) -> HttpResponse:
    context = {
        "viewer": viewer,
        "nav": "cards",
        "cards": list_cards(viewer),
        "agreed": find_agreed_cards(viewer),
    }
    return render(request, "portal/cards.html", context)


@require_POST
@portal_view
def card_rename(request: HttpRequest, viewer: PortalViewer, card_id: UUID) -> HttpResponse:
    card = access_saved_card(viewer, card_id)
    try:
        rename_card(viewer=viewer, card=card, name=request.POST.get("name", ""))
    except UserError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The name is saved."))
    return redirect("portal:cards")


@require_POST
@portal_view
def card_default(request: HttpRequest, viewer: PortalViewer, card_id: UUID) -> HttpResponse:
    card = access_saved_card(viewer, card_id)
    set_default_card(viewer=viewer, card=card)
    messages.success(request, _("%(card)s is now your default card.") % {"card": name_card(card.brand, card.last4)})
    return redirect("portal:cards")


@require_http_methods(["GET", "HEAD", "POST"])
@portal_view
def card_remove(request: HttpRequest, viewer: PortalViewer, card_id: UUID) -> HttpResponse:
    """Asks once, then removes. Always allowed, also for the last card."""
    card = access_saved_card(viewer, card_id)
    if request.method != "POST":
        context = {"viewer": viewer, "nav": "cards", "card": card, "label": name_card(card.brand, card.last4)}
        return render(request, "portal/card_remove.html", context)
    remove_card(viewer=viewer, card=card)
    messages.success(
        request,
        _("%(card)s is removed. It can't be charged here any more.") % {"card": name_card(card.brand, card.last4)},
    )
    return redirect("portal:cards")
