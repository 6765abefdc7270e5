"""The stand-in's hosted payment page: opened by posting a token with the whole window, paid by Submit."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from tests.contract.serving import SILENCE_S, Request, Response

if TYPE_CHECKING:
    from tests.contract.authorize_net_fake import AuthorizeNetFake, Page

#: Card number -> their reason code; every other card is approved.
DECLINES = {
    "4000000000000002": 2,
    "4000000000009995": 2,  # their banks' "insufficient funds" is a plain decline
    "4000000000000069": 8,
    "4000000000000127": 65,
}
HELD = "4242000000000018"
LOST = "4242000000000026"
DECLINED_ZIP = "46282"


def answer(fake: AuthorizeNetFake, request: Request) -> Response:
    form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    shown = fake.pages.get(form.get("token", ""))
    if request.method != "POST" or shown is None or fake.now() >= shown.until:
        return _html(400, "<h1>Missing or invalid token.</h1>")
    if request.path == "/payment/payment":
        return _show(shown, form["token"])
    fault = shown.account.faults.take("page_submit")
    if fault and fault.kind == "drop_before":
        return Response(drop=True)
    done = _pay(fake, shown, form)
    if fault and fault.kind == "error_after":
        return Response(500, b"Internal error")
    if fault and fault.kind == "drop_after":
        return Response(drop=True)
    return done


def _pay(fake: AuthorizeNetFake, shown: Page, form: dict[str, str]) -> Response:
    """One try. A decline stays on the page."""
    with fake._lock:
        account = shown.account
        cards = account.profiles[shown.customer]["cards"] if shown.customer else {}
        method = form.get("method", "new")
        if method != "new" and method not in cards:
            return _show(shown, form["token"], "This payment method is not available.")
        number = form.get("number", "") if method == "new" else cards[method]
        reason = 2 if form.get("zip") == DECLINED_ZIP else DECLINES.get(number, 1)
        captured = account.faults.take("capture")
        made = fake.add(
            account, kind="authCaptureTransaction", number=number, invoice=shown.invoice, ref_id=shown.ref_id,
            amount=type(shown.amount)(captured.value).scaleb(-2) if captured else shown.amount,
            status="declined" if reason != 1 else "capturedPendingSettlement", reason=reason,
            customer=shown.customer, payment_profile=method if method != "new" else "",
        )  # fmt: skip
        window = int(shown.transaction_settings.get("duplicateWindow", "120"))
        if reason == 1 and fake.is_duplicate(account, window, made):
            del account.transactions[made.id]
            return _show(shown, form["token"], "A duplicate transaction has been submitted.")
        if reason != 1:
            return _show(shown, form["token"], "This transaction has been declined.")
        if number == HELD:
            made.status, made.held = "FDSPendingReview", True
        may_keep = shown.settings["hostedPaymentCustomerOptions"].get("addPaymentProfile") and shown.customer
        if method == "new" and form.get("save") and may_keep:
            known = next((token for token, each in cards.items() if each == number), "")
            made.payment_profile = known or fake.number()
            cards[made.payment_profile] = number
        fake.notify(account, "authcapture", made)
    if number == LOST:
        return Response(drop=True, silence_s=SILENCE_S)
    return Response(302, headers={"Location": shown.settings["hostedPaymentReturnOptions"]["url"]})


def _show(shown: Page, token: str, error: str = "") -> Response:
    cards = shown.account.profiles[shown.customer]["cards"] if shown.customer else {}
    saved = "".join(
        f'<p><label><input type="radio" name="method" value="{each}"> Card ending in {number[-4:]}</label></p>'
        for each, number in cards.items()
    )
    keep = shown.settings["hostedPaymentCustomerOptions"].get("addPaymentProfile")
    save = (
        '<p><label><input type="checkbox" name="save" value="yes"> Save for Future Use</label></p>' if keep else ""
    )
    seller = shown.settings["hostedPaymentOrderOptions"]["merchantName"]
    back = shown.settings["hostedPaymentReturnOptions"]["cancelUrl"]
    alert = f'<p role="alert">{escape(error)}</p>' if error else ""
    return _html(
        200,
        f"""<h1>{escape(seller)}</h1><p>Total ${shown.amount}</p>{alert}
<form method="post" action="/payment/submit"><input type="hidden" name="token" value="{escape(token)}">
{saved}<p><label><input type="radio" name="method" value="new" checked> New Payment Method</label></p>
<p><label>Card number <input name="number"></label></p><p><label>Expires <input name="exp"></label></p>
<p><label>CVC <input name="cvc"></label></p><p><label>ZIP code <input name="zip"></label></p>{save}
<button>{escape(shown.settings["hostedPaymentButtonOptions"]["text"])}</button></form>
<p><a href="{escape(back)}">Cancel</a></p>""",
    )


def _html(status: int, body: str) -> Response:
    page = f'<!doctype html><html lang="en"><head><title>Payment</title></head><body>{body}</body></html>'
    return Response(status, page.encode(), "text/html; charset=utf-8")
