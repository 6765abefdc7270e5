"""Leading the payer on to the processor's step with the whole page: by an address, or by a form of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from paywell.accounts.web import never_store
from paywell.payments import processor_accounts
from paywell.payments.models import Attempt, AttemptState
from paywell.portal.policy import allow_processor


def get_step_address(attempt: Attempt, payment_url: str) -> str:
    """Where the payer goes next; empty while nothing is asked of them. Our own page lies below the payment's."""
    return f"{payment_url}step/" if attempt.step_url and attempt.step_fields else attempt.step_url


def render_step(
    request: HttpRequest, attempt: Attempt, *, layout: str, back: str, context: Mapping[str, Any]
) -> HttpResponse:
    """A page that posts the step's fields to the processor, by itself or, without JavaScript, by its button.

    `back` is the payment's page, to which it leads where nothing waits for the payer any more. The caller has
    made sure that this is the payer. The fields are keys to the processor's page: nobody stores this answer.
    """
    if attempt.state != AttemptState.AWAITING_ACTION or not attempt.step_url:
        return redirect(back)
    if not attempt.step_fields:
        return HttpResponse(status=303, headers={"Location": attempt.step_url})
    parts = urlsplit(attempt.step_url)
    shown = {
        "attempt": attempt,
        "layout": layout,
        "back": back,
        "fields": sorted(attempt.step_fields.items()),
        "host": parts.hostname,
        **context,
    }
    response = render(request, "portal/step.html", shown)
    never_store(response)
    return allow_processor(response, processor_accounts.make_processor(attempt.processor_account).hosts())
