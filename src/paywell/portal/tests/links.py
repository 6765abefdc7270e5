"""A pay link, its address, and paying by it."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client as Browser

from paywell.core import clock
from paywell.invoicing.models import InvoiceLine
from paywell.payments.models import PayLink
from paywell.payments.pay_links import make_token
from paywell.portal.tests.pages import Form

DAY = timedelta(days=1)


def make_link(line: InvoiceLine, **changes: object) -> PayLink:
    now = clock.now()
    fields = {
        "practice_id": line.practice_id,
        "invoice": line.invoice,
        "made_at": now - DAY,
        "expires_at": now + 29 * DAY,
    }
    return PayLink.objects.create(**(fields | changes))


def url_of(link: PayLink) -> str:
    return f"/pay/{make_token(link)}/"


def pay(browser: Browser, link: PayLink, **changes: object) -> object:
    form = Form(browser.get(url_of(link)).content.decode())
    return browser.post(form.action, {**form.data, "card_token": "tok_1", **changes})
