"""What a payer sees of the test processor: the card fields in a frame, its payment page, the bank's question.

No page needs a cookie or sets one: an unguessable address is the key to each. Card numbers arrive here, on
this origin alone, and are forgotten as soon as they are read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from urllib.parse import urlsplit

from paywell.core.clock import now
from paywell.core.money import Money, format_money
from paywell.processors.testbench import charges, faults
from paywell.processors.testbench.cards import BadCard, Card, read_card
from paywell.processors.testbench.store import Row, Store
from paywell.processors.testbench.web import Refused, Request, Response, answer, page, see_other

BRANDS = {"visa": "Visa", "mastercard": "Mastercard", "amex": "American Express", "discover": "Discover"}
DECLINES = {
    "card_declined": "The bank declined this card and gave no reason.",
    "insufficient_funds": "The bank declined this card because of insufficient funds.",
    "expired_card": "The bank says that this card has expired.",
    "incorrect_cvc": "The security code is not right for this card.",
    "authentication_failed": "The bank could not confirm that it was you.",
}
_LOOPBACK = re.compile(r"https?://(?:127\.0\.0\.1|\[::1\]|(?:[a-z0-9-]+\.)*localhost|testserver)(?::[0-9]{1,5})?")
_ORIGIN = re.compile(r"https?://[a-z0-9.\[\]:-]+")


class Pages:
    """The handlers of the pages, bound to one store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def home(self, request: Request) -> Response:
        return page("home", csp=_csp())

    def fields(self, request: Request) -> Response:
        """The card fields, for the page of one portal to frame: `?account=...&parent=<its origin>`."""
        account, parent = request.query.get("account", ""), request.query.get("parent", "")
        registered = self.store.one("SELECT portal_origin FROM accounts WHERE id = ?", account)
        allowed = registered["portal_origin"] if registered else ""
        known = parent == allowed if allowed else bool(_LOOPBACK.fullmatch(parent))
        if not known or not account.startswith("acct_"):
            text = "This page is not registered for these card fields. Check the processor's settings."
            return page("message", csp=_csp(), status=403, title="Not available", text=text, back="")
        csp = _csp(script="'self'", connect="'self'", ancestors=parent, form="'none'")
        return page("fields", csp=csp, account=escape(account), parent=escape(parent), inputs=_inputs({}))

    def make_token(self, request: Request) -> Response:
        """For our own frame only: a single-use token for what was typed, or what to put right."""
        if request.headers.get("origin") != request.origin:
            raise Refused(403, "wrong_origin", "Tokens are made by our own fields.")
        values = {name: str(value) for name, value in request.json().items()}
        try:
            card = _read(values)
        except BadCard as bad:
            return answer({"errors": bad.errors}, status=422)
        with self.store.transaction():
            token = charges.make_token(self.store, values.get("account", ""), card)
        return answer({"token": token, "brand": BRANDS[card.brand], "last4": card.last4})

    def show_payment(self, request: Request, page_id: str) -> Response:
        with self.store.transaction():
            charge = self._charge(page_id)
        return self._elsewhere(charge) or self._payment_page(charge)

    def pay(self, request: Request, page_id: str) -> Response:
        """Submit. A plain form: pressed twice, the second one finds the charge paid and leads on."""
        account = self._charge(page_id)["account"]
        form = request.form()

        def do() -> Response:
            with self.store.transaction():
                return self._pay(self._charge(page_id), form)

        return faults.suffer(self.store, account, "page_submit", do)

    def show_bank_check(self, request: Request, page_id: str) -> Response:
        with self.store.transaction():
            charge = self._charge(page_id)
        if charge["status"] != "bank_check":
            return self._elsewhere(charge) or see_other(_pay_path(charge))
        return page(
            "bank_check",
            csp=_csp(form=f"'self' {_origin(charge['return_url'])}"),
            label=escape(charge["label"]),
            amount=escape(_amount(charge)),
            card=escape(_card_name(charge)),
            action=f"/bank/{charge['page']}/",
        )

    def answer_bank_check(self, request: Request, page_id: str) -> Response:
        with self.store.transaction():
            charge = self._charge(page_id)
            approved = request.form().get("answer") == "approve"
            charge = charges.finish_bank_check(self.store, charge, approved=approved)
        if charge["style"] == "hosted" and charge["status"] == "reserved":
            return see_other(_pay_path(charge))
        return see_other(charge["return_url"])

    def _charge(self, page_id: str) -> Row:
        row = self.store.one("SELECT id, style FROM charges WHERE page = ?", page_id)
        if row is None or row["style"] == "fenced":
            raise Refused(404, "not_found", "There is no such page.")
        return charges.read(self.store, row["id"])

    def _pay(self, charge: Row, form: Mapping[str, str]) -> Response:
        elsewhere = self._elsewhere(charge)
        if elsewhere:
            return elsewhere
        method = form.get("method", "new")
        try:
            if method == "new":
                card, saved_as = _read(form), ""
            else:
                card, saved_as = charges.saved_card(self.store, charge, method), method
        except BadCard as bad:
            return self._payment_page(charge, errors=bad.errors, typed=form, status=422)
        except Refused:
            return self._payment_page(charge, notice="Choose one of your cards, or enter a new one.", status=422)
        save = method == "new" and form.get("save") == "yes"
        charge = charges.commit(self.store, charge, card, saved_as=saved_as, save=save)
        if card.behavior == "lost":
            text = (
                "We could not show you the result of this payment. Do not pay again: go back, it will be checked."
            )
            back = f'<a class="button" href="{escape(charge["cancel_url"])}">Back to {escape(charge["label"])}</a>'
            return page("message", csp=_csp(), status=502, title="No answer", text=text, back=back)
        return self._elsewhere(charge) or self._payment_page(charge, status=402)

    def _elsewhere(self, charge: Row) -> Response | None:
        """Where a charge leads that this page can't pay (any more)."""
        if charge["status"] == "bank_check":
            return see_other(f"/bank/{charge['page']}/")
        if charge["status"] in ("succeeded", "pending", "declined") or charge["style"] == "inline":
            return see_other(charge["return_url"])
        if charge["status"] == "canceled":
            text = "This payment was closed before it was paid. You have not been charged."
            back = f'<a class="button" href="{escape(charge["cancel_url"])}">Back to {escape(charge["label"])}</a>'
            return page("message", csp=_csp(), status=410, title="Payment closed", text=text, back=back)
        return None

    def _payment_page(
        self,
        charge: Row,
        *,
        errors: Mapping[str, str] | None = None,
        typed: Mapping[str, str] | None = None,
        notice: str = "",
        status: int = 200,
    ) -> Response:
        saved = charges.list_cards(self.store, charge["account"], charge["customer"])
        if charge["decline"] and not errors and not notice:
            reason = DECLINES.get(charge["decline"], DECLINES["card_declined"])
            notice = f"{reason} You have not been charged. Try another card or call the number on the back."
        chosen = (typed or {}).get("method") or (saved[0]["id"] if saved and not charge["decline"] else "new")
        inputs = _inputs(errors or {}, typed=typed or {})
        save = _save_box(bool(typed and typed.get("save"))) if charge["customer"] else ""
        return page(
            "pay",
            csp=_csp(form=f"'self' {_origin(charge['return_url'])}"),
            status=status,
            title=("Error: " if errors or notice else "") + "Pay " + escape(charge["label"]),
            label=escape(charge["label"]),
            amount=escape(_amount(charge)),
            cancel_url=escape(charge["cancel_url"]),
            action=_pay_path(charge),
            notice=_notice(notice, errors or {}),
            methods=_methods(saved, chosen, f'<div class="new-fields">{inputs}{save}</div>'),
        )


def _read(values: Mapping[str, str]) -> Card:
    return read_card(
        number=values.get("number", ""),
        exp=values.get("exp", ""),
        cvc=values.get("cvc", ""),
        zip_code=values.get("zip", ""),
        today=now().date(),
    )


def _inputs(errors: Mapping[str, str], *, typed: Mapping[str, str] | None = None) -> str:
    """The four card fields. What was typed as number and code is never shown again."""
    typed = typed or {}
    fields = (
        ("number", "Card number", "cc-number", "numeric", "1234 1234 1234 1234", "23", ""),
        ("exp", "Expires", "cc-exp", "numeric", "MM/YY", "7", typed.get("exp", "")),
        ("cvc", "CVC", "cc-csc", "numeric", "", "4", ""),
        ("zip", "ZIP code", "postal-code", "numeric", "", "10", typed.get("zip", "")),
    )
    parts = []
    for name, label, autocomplete, mode, placeholder, length, value in fields:
        error = errors.get(name, "")
        invalid = 'aria-invalid="true"' if error else ""
        hidden = "" if error else "hidden"
        parts.append(
            f'<div class="field field-{name}"><label for="card-{name}">{label}</label>'
            f'<input id="card-{name}" name="{name}" type="text" inputmode="{mode}" autocomplete="{autocomplete}" '
            f'maxlength="{length}" placeholder="{placeholder}" value="{escape(value)}" spellcheck="false" '
            f'aria-describedby="card-{name}-error" {invalid}>'
            f'<p class="error" id="card-{name}-error" {hidden}>{escape(error)}</p></div>'
        )
    return f'<div class="card-fields">{"".join(parts)}</div>'


def _methods(saved: list[Row], chosen: str, new_fields: str) -> str:
    """One choice: a saved card or a new one. Without a saved card there is nothing to choose."""
    if not saved:
        return f'<section class="new"><h2 class="legend">New Payment Method</h2>{new_fields}</section>'
    rows = []
    for card in saved:
        checked = "checked" if card["id"] == chosen else ""
        name = f"{_card_name(card)}, expires {card['exp_month']:02}/{card['exp_year'] % 100:02}"
        rows.append(
            f'<label class="choice"><input type="radio" name="method" value="{card["id"]}" {checked}>'
            f"<span>{escape(name)}</span></label>"
        )
    return (
        '<fieldset class="choices"><legend class="legend">Saved Payment Method</legend>'
        f'{"".join(rows)}<div class="new"><label class="choice"><input id="method-new" type="radio" name="method" '
        f'value="new" {"checked" if chosen == "new" else ""}><strong>New Payment Method</strong></label>'
        f"{new_fields}</div></fieldset>"
    )


def _save_box(checked: bool) -> str:
    return (
        f'<label class="choice"><input type="checkbox" name="save" value="yes" {"checked" if checked else ""}>'
        "<span>Save for Future Use</span></label>"
    )


def _notice(text: str, errors: Mapping[str, str]) -> str:
    if errors:
        items = "".join(f'<li><a href="#card-{field}">{escape(error)}</a></li>' for field, error in errors.items())
        head = "<p>Put this right. You have not been charged.</p>"
        return f'<div class="notice" role="alert">{head}<ul>{items}</ul></div>'
    return f'<div class="notice" role="alert"><p>{escape(text)}</p></div>' if text else ""


def _amount(charge: Row) -> str:
    return format_money(Money(charge["amount"], charge["currency"]))


def _card_name(row: Row) -> str:
    return f"{BRANDS.get(row['brand'], 'Card')} {row['last4']}"


def _pay_path(charge: Row) -> str:
    return f"/pay/{charge['page']}/"


def _origin(url: str) -> str:
    """The origin of an address, fit for a policy: nothing in it can end the directive."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}".lower()
    return origin if _ORIGIN.fullmatch(origin) else ""


def _csp(
    *, script: str = "'none'", connect: str = "'none'", ancestors: str = "'none'", form: str = "'self'"
) -> str:
    return (
        f"default-src 'none'; script-src {script}; style-src 'self'; connect-src {connect}; "
        f"form-action {form}; frame-ancestors {ancestors}; base-uri 'none'"
    )
