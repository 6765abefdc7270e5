"""Square with its card fields inside our own page: one screen.

Money moves in two calls that both belong to `submit`: the first authorizes under the attempt's key (`autocomplete`
off), the second completes. `open` needs no call. So whatever arrives late can at most leave an authorization, which
takes nothing and ends by itself within half an hour; and canceling it is a fence for the completion.

What this processor can't do, and how that is lived with:

- How long it remembers a key is not published. An order older than SUBMIT_WITHIN is never sent (again).
- Canceling by key answers success also where it found nothing. So while a `submit` may still be running, "nothing
  there" is no promise; from FENCED_AFTER on it is.
- Its lists lag by seconds and can't be asked by our reference: `absent` is for the grace period to believe.
- Keeping a card is a call after the payment, and may fail alone: then the payment is told without a kept card.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
from square.types.payment import Payment

from paywell.core.clock import now
from paywell.processors.connectors.square import deposits, notices, reading, setup
from paywell.processors.connectors.square.cards import Cards
from paywell.processors.connectors.square.client import OPTIONS, Api, Refused
from paywell.processors.connectors.square.setup import SETUP
from paywell.processors.contract import (
    Capability,
    ChargeOrder,
    Connection,
    Deposit,
    DepositPart,
    Disputed,
    Fields,
    Hosts,
    Outcome,
    Processor,
    RawNotice,
    Refunded,
    RefundOrder,
    Report,
    SavedCardFacts,
    Style,
    Submission,
    Verdict,
)

__all__ = ["SETUP", "connect"]

#: An order that is older than this is not sent any more.
SUBMIT_WITHIN: Final = timedelta(minutes=2)
#: From then on no `submit` of the order can be running: both its calls have ended.
FENCED_AFTER: Final = SUBMIT_WITHIN + timedelta(minutes=1)
#: An authorization that nobody completes ends by itself after that.
_HOLD: Final = "PT30M"
#: Their clock and ours may differ by that much.
_SKEW: Final = timedelta(minutes=10)
_NOTE_MAX: Final = 500
#: Errors of a card that say nothing about it: the payer's page sent a token that can't be used.
_NO_DECLINE: Final = frozenset(
    {"CARD_TOKEN_USED", "CARD_TOKEN_EXPIRED", "SOURCE_USED", "SOURCE_EXPIRED", "INVALID_CARD_DATA"}
)


class SquareConnector:
    """One location of one account at Square."""

    name = "square"
    style = Style.INLINE
    capabilities = frozenset(
        {
            Capability.SAVED_CARDS,
            Capability.PARTIAL_REFUND,
            Capability.PARTIAL_REFUND_BEFORE_SETTLEMENT,
            Capability.IDEMPOTENCY_KEYS,
            Capability.ABSENT_IS_CERTAIN,  # after the grace period
            Capability.LIST_SINCE,
            Capability.NOTICES,
            Capability.DISPUTES,
            Capability.FEES,
            Capability.DEPOSITS,
        }
    )

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.live_mode = connection.live_mode
        self.is_test = not connection.live_mode
        self.api = Api.of(connection)
        self.cards = Cards(self.api)

    def hosts(self) -> Hosts:
        """What the Web Payments SDK needs; test mode has hosts of its own."""
        sdk = "https://web.squarecdn.com" if self.live_mode else "https://sandbox.web.squarecdn.com"
        tokens = "https://pci-connect.squareup.com" if self.live_mode else "https://pci-connect.squareupsandbox.com"
        fonts = ("https://square-fonts-production-f.squarecdn.com", "https://d1g145x70srn7h.cloudfront.net")
        return Hosts(
            frame_src=(sdk,), script_src=(sdk,), connect_src=(sdk, tokens), style_src=(sdk,), font_src=fonts
        )

    def fields(self) -> Fields:
        (sdk,) = self.hosts().script_src
        settings = self.connection.settings
        config = {name: settings.get(name, "") for name in ("application_id", "location_id")}
        return Fields("square", (f"{sdk}/v1/square.js",), config)

    def check_setup(self) -> list[str]:
        return setup.check(self.api, self.connection)

    def open(self, order: ChargeOrder) -> Outcome:
        """Nothing to reserve before there is a card."""
        if order.money.currency != self.api.currency:
            return Outcome(Verdict.NOT_SENT, detail=f"the account takes {self.api.currency}")
        return Outcome(Verdict.NEEDS_ACTION, reference=order.reference, live_mode=self.live_mode)

    def submit(self, order: ChargeOrder, submission: Submission) -> Outcome:
        """Authorize, then complete. Whatever goes wrong after the first is `unknown` and looked up."""
        if order.created_at is not None and now() - order.created_at > SUBMIT_WITHIN:
            return Outcome(Verdict.NOT_SENT, detail="the order is too old to be sent")
        is_with_customer = submission.save_card or bool(submission.saved_card_token)
        try:
            customer_ref = self.cards.make_customer(order) if is_with_customer else ""
        except (httpx.HTTPError, Refused, ValueError):
            return Outcome(Verdict.NOT_SENT, detail="the payer's number could not be had")
        try:
            payment = self._authorize(order, submission, customer_ref)
        except Refused as refusal:
            return self._tell_refusal(refusal)
        if payment.status == "APPROVED":
            try:
                payment = self._complete(payment)
            except (httpx.HTTPError, Refused, ValueError) as error:
                return Outcome(Verdict.UNKNOWN, detail=f"not completed: {type(error).__name__}")
        if payment.status != "COMPLETED" or not is_with_customer:
            return reading.tell_payment(payment, live_mode=self.live_mode)
        kept = self.cards.keep(order, payment) if submission.save_card else self._find_card(payment)
        return reading.tell_payment(payment, live_mode=self.live_mode, saved_card=kept)

    def look_up(self, order: ChargeOrder) -> Outcome:
        """By their number once it is known, else through the list of that time by our reference."""
        try:
            payment = self._get(order.processor_ref) if order.processor_ref else self._find(order)
            return Outcome(Verdict.ABSENT) if payment is None else self._tell_all(payment)
        except Refused as refusal:
            if refusal.status == 404:
                return Outcome(Verdict.ABSENT)
            return Outcome(Verdict.UNKNOWN, detail=f"refused: {refusal}")

    def cancel(self, order: ChargeOrder) -> Outcome:
        """Void the authorization, by their number or by the attempt's key; else say what stands there."""
        try:
            if not order.processor_ref:
                key = order.submit_key
                self.api.call(
                    lambda square: square.payments.cancel_by_idempotency_key(
                        idempotency_key=key, request_options=OPTIONS
                    )
                )
            payment = self._get(order.processor_ref) if order.processor_ref else self._find(order)
            if payment is not None and payment.status == "APPROVED":
                payment = self._cancel(payment.id or "")
            if payment is not None:
                return self._tell_all(payment)
        except Refused as refusal:
            return Outcome(Verdict.UNKNOWN, detail=f"refused: {refusal}")
        if order.created_at is None or now() - order.created_at < FENCED_AFTER:
            return Outcome(Verdict.UNKNOWN, detail="nothing there, but a call may be on its way")
        return Outcome(Verdict.CANCELED, reference=order.reference, live_mode=self.live_mode)

    def refund(self, order: RefundOrder) -> Refunded:
        amount, payment_id = order.money, order.charge_ref
        try:
            made = self.api.call(
                lambda square: square.refunds.refund_payment(
                    idempotency_key=order.key,
                    payment_id=payment_id,
                    amount_money={"amount": amount.minor, "currency": amount.currency},
                    reason=order.reference,
                    request_options=OPTIONS,
                ),
                may_take_long=True,
            ).refund
        except Refused as refusal:
            return self._said(order, _refund_verdict(refusal))
        return reading.tell_refund(made) if made is not None else self._said(order, Verdict.UNKNOWN)

    def look_up_refund(self, order: RefundOrder) -> Refunded:
        """By their number, else among the payment's refunds by our reference, which is their reason."""
        try:
            if order.processor_ref:
                return self._get_refund(order.processor_ref)
            payment = self._get(order.charge_ref)
            told = [] if payment is None else [self._get_refund(each) for each in payment.refund_ids or []]
        except Refused as refusal:
            return self._said(order, Verdict.ABSENT if refusal.status == 404 else Verdict.UNKNOWN)
        return next((each for each in told if each.reference == order.reference), self._said(order, Verdict.ABSENT))

    def list_since(self, since: datetime) -> Iterator[Outcome]:
        """Every payment changed since then, and every older one in dispute."""
        disputes = self._disputes()
        begin = since.astimezone(UTC).isoformat(timespec="milliseconds")
        payments = self.api.each(
            lambda square: square.payments.list(
                updated_at_begin_time=begin, sort_field="UPDATED_AT", sort_order="ASC",
                location_id=self.api.location_id, request_options=OPTIONS,
            )
        )  # fmt: skip
        seen = set()
        for payment in payments:
            seen.add(payment.id)
            yield self._tell_all(payment, disputes)
        for payment_id, told in disputes.items():
            is_news = any(each.at is None or each.at >= since for each in told)
            if is_news and payment_id not in seen and (older := self._get(payment_id)) is not None:
                yield self._tell_all(older, disputes)

    def list_deposits(self, since: datetime) -> Iterator[Deposit]:
        for deposit in deposits.list_payouts(self.api, since):
            yield replace(deposit, live_mode=self.live_mode)

    def list_deposit_parts(self, deposit_ref: str) -> Iterator[DepositPart]:
        return deposits.list_parts(self.api, deposit_ref)

    def list_cards(self, customer_ref: str) -> list[SavedCardFacts]:
        return self.cards.list_kept(customer_ref)

    def forget_card(self, card: SavedCardFacts) -> Outcome:
        try:
            self.cards.disable(card)
        except Refused as refusal:
            verdict = Verdict.NOT_SENT if refusal.had_no_effect else Verdict.UNKNOWN
            return Outcome(verdict, detail=f"refused: {refusal}")
        return Outcome(Verdict.SUCCEEDED)

    def read_notice(self, notice: RawNotice) -> list[Report]:
        address = self.connection.settings.get("notice_url") or notice.url
        notices.verify(notice, self.connection.secrets, address)
        return notices.read(notice.body)

    def _authorize(self, order: ChargeOrder, submission: Submission, customer_ref: str) -> Payment:
        payer = {"customer_id": customer_ref} if customer_ref else {}
        memo = {"note": order.memo[:_NOTE_MAX]} if order.memo else {}
        made = self.api.call(
            lambda square: square.payments.create(
                source_id=submission.saved_card_token or submission.card_token,
                idempotency_key=order.submit_key,
                amount_money={"amount": order.money.minor, "currency": order.money.currency},
                autocomplete=False,
                delay_duration=_HOLD,
                delay_action="CANCEL",
                location_id=self.api.location_id,
                reference_id=order.reference,
                request_options=OPTIONS,
                **payer,
                **memo,
            ),
            may_take_long=True,
        ).payment
        if made is None or not made.id:
            raise ValueError("The payment has no number.")
        return made

    def _complete(self, payment: Payment) -> Payment:
        payment_id = payment.id or ""
        done = self.api.call(
            lambda square: square.payments.complete(payment_id, request_options=OPTIONS), may_take_long=True
        )
        if done.payment is None:
            raise ValueError("The answer has no payment.")
        return done.payment

    def _cancel(self, payment_id: str) -> Payment | None:
        """The payment after it was canceled, or as it stands where that came too late."""
        try:
            answer = self.api.call(lambda square: square.payments.cancel(payment_id, request_options=OPTIONS))
            return answer.payment
        except Refused:
            return self._get(payment_id)

    def _get(self, payment_id: str) -> Payment | None:
        return self.api.call(lambda square: square.payments.get(payment_id, request_options=OPTIONS)).payment

    def _find(self, order: ChargeOrder) -> Payment | None:
        begin = (order.created_at or now() - timedelta(days=1)) - _SKEW
        end = (order.created_at or now()) + FENCED_AFTER + _SKEW
        payments = self.api.each(
            lambda square: square.payments.list(
                begin_time=begin.astimezone(UTC).isoformat(timespec="milliseconds"), sort_order="ASC",
                end_time=end.astimezone(UTC).isoformat(timespec="milliseconds"), location_id=self.api.location_id,
                request_options=OPTIONS,
            )
        )  # fmt: skip
        return next((each for each in payments if each.reference_id == order.reference), None)

    def _tell_all(self, payment: Payment, disputes: dict[str, list[Disputed]] | None = None) -> Outcome:
        """The whole truth about one payment."""
        if payment.status != "COMPLETED":
            return reading.tell_payment(payment, live_mode=self.live_mode)
        refunds = [self._get_refund(each) for each in payment.refund_ids or []]
        if disputes is None:
            disputes = self._disputes()
        return reading.tell_payment(
            payment,
            live_mode=self.live_mode,
            refunds=refunds,
            disputes=disputes.get(payment.id or "", []),
            saved_card=self._find_card(payment),
        )

    def _find_card(self, payment: Payment) -> SavedCardFacts | None:
        return self.cards.find(payment) if payment.customer_id else None

    def _disputes(self) -> dict[str, list[Disputed]]:
        """By payment. They are few, and can't be asked for by payment."""
        told: dict[str, list[Disputed]] = {}
        each_of = self.api.each(
            lambda square: square.disputes.list(location_id=self.api.location_id, request_options=OPTIONS)
        )  # fmt: skip
        for dispute in each_of:
            disputed, read = dispute.disputed_payment, reading.tell_dispute(dispute)
            if disputed is not None and disputed.payment_id and read is not None:
                told.setdefault(disputed.payment_id, []).append(read)
        return told

    def _get_refund(self, refund_id: str) -> Refunded:
        found = self.api.call(lambda square: square.refunds.get(refund_id, request_options=OPTIONS)).refund
        if found is None:
            raise ValueError("The answer has no refund.")
        return reading.tell_refund(found)

    def _tell_refusal(self, refusal: Refused) -> Outcome:
        """A card that was refused is an answer; a request that was refused had no effect."""
        if refusal.category == "PAYMENT_METHOD_ERROR" and refusal.code not in _NO_DECLINE:
            failed = reading.failed_payment(refusal.body)
            if failed is not None and failed.status == "FAILED":
                return reading.tell_payment(failed, live_mode=self.live_mode)
            return Outcome(Verdict.DECLINED, decline=reading.decline_of(refusal.code), live_mode=self.live_mode)
        verdict = Verdict.NOT_SENT if refusal.had_no_effect else Verdict.UNKNOWN
        return Outcome(verdict, detail=f"refused: {refusal}")

    def _said(self, order: RefundOrder, verdict: Verdict) -> Refunded:
        return Refunded(order.processor_ref, order.money, verdict, reference=order.reference)


def _refund_verdict(refusal: Refused) -> Verdict:
    """Their no to a refund, as opposed to a request that they did not understand."""
    if refusal.category == "REFUND_ERROR" or refusal.code.startswith(("REFUND_", "PAYMENT_NOT_REFUNDABLE")):
        return Verdict.DECLINED
    return Verdict.NOT_SENT if refusal.had_no_effect else Verdict.UNKNOWN


def connect(connection: Connection) -> Processor:
    return SquareConnector(connection)
