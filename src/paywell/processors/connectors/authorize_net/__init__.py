"""Authorize.Net with its hosted page (Accept Hosted): two steps.

`open` asks for a page, **Next** posts its token there with the whole window, **Submit** takes the money, and the
payer comes back without a result. What happened is looked up in their lists by our invoice number.

What this processor can't do, and how that is lived with:

- It knows no idempotency key. A page whose answer was lost was given to nobody, so asking for another is safe;
  the invoice number and the longest duplicate window refuse the same card twice; a refund is looked up first.
- A page can't be closed from here: it lives for 15 minutes. Once the payer was led to one, `cancel` says until
  PAGE_OVER after the order was made that the payer may still go on, and only then that nothing can come any more.
- A charge keeps no memo: after a restore, payments newer than the backup come before a person.
- Before settlement (about a day) a charge can only be voided as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import httpx

from paywell.core.clock import now
from paywell.processors.connectors.authorize_net import asking, notices, reading, setup
from paywell.processors.connectors.authorize_net.client import Api, Refused
from paywell.processors.connectors.authorize_net.lists import Lists
from paywell.processors.connectors.authorize_net.reading import Transaction
from paywell.processors.connectors.authorize_net.refunding import Refunding
from paywell.processors.connectors.authorize_net.setup import SETUP
from paywell.processors.contract import (
    Capability,
    ChargeOrder,
    Connection,
    Deposit,
    DepositPart,
    Hosts,
    Outcome,
    Processor,
    RawNotice,
    Refunded,
    RefundOrder,
    Report,
    SavedCardFacts,
    Step,
    Style,
    Submission,
    Verdict,
)

__all__ = ["SETUP", "connect"]

#: An order that is older than this gets no page any more, so that the end of its last page is certain.
OPEN_WITHIN: Final = timedelta(minutes=5)
#: How long a page's token is good.
PAGE_VALID: Final = timedelta(minutes=15)
#: From then on no page of the order can take money, and what it took stands in their lists.
PAGE_OVER: Final = OPEN_WITHIN + PAGE_VALID + timedelta(minutes=5)


class AuthorizeNet:
    """One account at Authorize.Net."""

    name = "authorize_net"
    style = Style.TWO_STEP
    capabilities = frozenset(
        {
            Capability.SAVED_CARDS,
            Capability.PARTIAL_REFUND,
            Capability.ABSENT_IS_CERTAIN,  # said only once the last page is over
            Capability.LIST_SINCE,
            Capability.NOTICES,
            Capability.DEPOSITS,  # settled batches, before fees: those stand on the bank's statement
        }
    )

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.api = Api.of(connection)
        self.live_mode = connection.live_mode
        self.is_test = not connection.live_mode
        self.lists = Lists(self.api, connection.settings.get("currency") or "USD")
        self.refunding = Refunding(self.api, self.lists)

    def hosts(self) -> Hosts:
        return Hosts(form_action=(self.api.page_origin,))

    def fields(self) -> None:
        return None

    def check_setup(self) -> list[str]:
        return setup.check(self.api, self.connection)

    def open(self, order: ChargeOrder) -> Outcome:
        """A page for this order. It can take money once the payer has its token, and nobody else gets it."""
        if order.created_at is not None and now() - order.created_at > OPEN_WITHIN:
            return Outcome(Verdict.NOT_SENT, detail="the order is too old for a page")
        if order.money.currency != self.lists.currency:
            return Outcome(Verdict.NOT_SENT, detail=f"the account takes {self.lists.currency}")
        try:
            customer_ref = order.customer_ref or self._make_customer(order.payer_reference)
            page = asking.hosted_page(order, customer_ref)
            answer = self.api.ask("getHostedPaymentPageRequest", *page, reference=order.reference)
        except Refused as refusal:
            return Outcome(Verdict.NOT_SENT, detail=f"refused: {refusal.code}")
        token = answer.text("token")
        if not token:
            return Outcome(Verdict.UNKNOWN, detail="no token")
        return Outcome(
            Verdict.NEEDS_ACTION,
            reference=order.reference,
            step=Step(self.api.page_url, {"token": token}),
            live_mode=self.live_mode,
        )

    def submit(self, order: ChargeOrder, submission: Submission) -> Outcome:
        return self.look_up(order)

    def look_up(self, order: ChargeOrder) -> Outcome:
        """By their number once it is known, else through their lists by our invoice number.

        The number of a refund, as a notice names it, leads to its charge.
        """
        try:
            if order.processor_ref:
                found = self.lists.get(order.processor_ref)
                return self._tell(self.lists.get(found.parent_id) if found.parent_id else found)
            return self._find(order)
        except Refused as refusal:
            if order.processor_ref and refusal.code == "E00040":
                return Outcome(Verdict.ABSENT)
            return Outcome(Verdict.UNKNOWN, detail=f"refused: {refusal.code}")

    def cancel(self, order: ChargeOrder) -> Outcome:
        """Void what is only held; else say what stands there. `canceled` only once no page can take money."""
        found = self.look_up(order)
        if found.verdict is Verdict.PENDING:
            return self._void_held(found)
        if found.verdict is Verdict.ABSENT and self._is_over(order):
            return Outcome(Verdict.CANCELED, reference=order.reference, live_mode=self.live_mode)
        return found

    def refund(self, order: RefundOrder) -> Refunded:
        return self.refunding.refund(order)

    def look_up_refund(self, order: RefundOrder) -> Refunded:
        return self.refunding.look_up(order)

    def list_since(self, since: datetime) -> Iterator[Outcome]:
        """Every charge that took money or waits to; refunds with the charge that they belong to.

        A try that took nothing is left out: its payer may have paid with another card on the same page.
        """
        charges: dict[str, Transaction] = {}
        refunds: dict[str, list[Transaction]] = {}
        rows = {each.id: each for each in self.lists.each_since(since)}
        for row in rows.values():
            # What was voided may be a charge or a refund; only its details tell.
            each = self.lists.get(row.id) if row.is_refund or row.status == reading.VOIDED else row
            if each.is_refund:
                refunds.setdefault(each.parent_id, []).append(each)
            elif not each.is_failed_try or each.status == "settlementError":
                charges[each.id] = each
        for parent_id in refunds.keys() - charges.keys():
            if parent_id:
                charges[parent_id] = self.lists.get(parent_id)
        for charge in sorted(charges.values(), key=lambda each: (each.at, each.id)):
            yield reading.tell_charge(charge, refunds.get(charge.id, ()), live_mode=self.live_mode)

    def list_deposits(self, since: datetime) -> Iterator[Deposit]:
        for batch in self.lists.each_batch(since, with_sums=True):
            yield replace(reading.read_batch(batch, self.lists.currency), live_mode=self.live_mode)

    def list_deposit_parts(self, deposit_ref: str) -> Iterator[DepositPart]:
        told = (reading.tell_part(row) for row in self.lists.in_batch(deposit_ref))
        return (part for part in told if part is not None)

    def list_cards(self, customer_ref: str) -> list[SavedCardFacts]:
        if not customer_ref:
            return []
        try:
            answer = self.api.ask(
                "getCustomerProfileRequest", ("customerProfileId", customer_ref), ("unmaskExpirationDate", "true")
            )
        except Refused as refusal:
            if refusal.code == "E00040":
                return []
            raise
        cards = [reading.read_payment_profile(each, customer_ref) for each in answer.all("profile/paymentProfiles")]
        return [card for card in cards if card is not None]

    def forget_card(self, card: SavedCardFacts) -> Outcome:
        named = ("customerProfileId", card.customer_ref), ("customerPaymentProfileId", card.token)
        try:
            self.api.ask("deleteCustomerPaymentProfileRequest", *named)
        except Refused as refusal:
            if refusal.code != "E00040":  # gone already
                verdict = Verdict.NOT_SENT if refusal.had_no_effect else Verdict.UNKNOWN
                return Outcome(verdict, detail=f"refused: {refusal.code}")
        return Outcome(Verdict.SUCCEEDED)

    def read_notice(self, notice: RawNotice) -> list[Report]:
        notices.verify(notice, self.connection.secrets)
        reports = notices.read(notice.body)
        return [replace(report, live_mode=self.live_mode) for report in reports]

    def _make_customer(self, payer_reference: str) -> str:
        """The payer's profile, which knows our opaque name and nothing else. The same name finds the same one."""
        if not payer_reference:
            return ""
        answer = self.api.send("createCustomerProfileRequest", *asking.customer(payer_reference))
        if answer.is_ok:
            return answer.text("customerProfileId")
        if answer.code != "E00039":  # a profile of that name is there already
            raise Refused(answer.code)
        known = self.api.ask("getCustomerProfileRequest", ("merchantCustomerId", payer_reference))
        return known.text("profile/customerProfileId")

    def _find(self, order: ChargeOrder) -> Outcome:
        """The charge among all tries on the order's page. Two charges: the earlier one; the sweep tells both."""
        rows = self.lists.find(order.reference, order.created_at or now() - timedelta(days=1))
        tries = [each for each in rows if not each.is_refund]
        charges = [each for each in tries if not each.is_failed_try]
        if charges:
            standing = [each for each in charges if each.status != reading.VOIDED]
            first = min(standing or charges, key=lambda each: (each.at, each.id))
            return self._tell(self.lists.get(first.id))
        if not self._is_over(order):
            return Outcome(Verdict.NEEDS_ACTION, reference=order.reference, live_mode=self.live_mode)
        if tries:
            return self._tell(self.lists.get(max(tries, key=lambda each: (each.at, each.id)).id))
        return Outcome(Verdict.ABSENT)

    def _tell(self, charge: Transaction) -> Outcome:
        refunds = self.lists.find_refunds(charge) if charge.status == reading.SETTLED else ()
        saved_card = self._get_kept_card(charge)
        return reading.tell_charge(charge, refunds, live_mode=self.live_mode, saved_card=saved_card)

    def _get_kept_card(self, charge: Transaction) -> SavedCardFacts | None:
        """The card of the payer's profile that paid. Without its expiry where it can't be read just now."""
        if not (charge.customer_ref and charge.payment_profile):
            return None
        named = ("customerProfileId", charge.customer_ref), ("customerPaymentProfileId", charge.payment_profile)
        with suppress(httpx.HTTPError, ValueError, Refused):
            answer = self.api.ask("getCustomerPaymentProfileRequest", *named, ("unmaskExpirationDate", "true"))
            element = answer.root.find("paymentProfile")
            return None if element is None else reading.read_payment_profile(element, charge.customer_ref)
        return SavedCardFacts(charge.payment_profile, charge.customer_ref, charge.card)

    def _void_held(self, found: Outcome) -> Outcome:
        charge = self.lists.get(found.processor_ref)
        if charge.status not in reading.HELD:
            return found
        answer = self.api.send("createTransactionRequest", *asking.void(charge.id), may_take_long=True)
        if answer.text("transactionResponse/responseCode") != "1":
            return self._tell(self.lists.get(charge.id))
        return replace(found, verdict=Verdict.CANCELED, money=None)

    def _is_over(self, order: ChargeOrder) -> bool:
        """Whether no page can take money for it: nobody was given one, or the last one is past its time."""
        is_past = order.created_at is not None and now() - order.created_at >= PAGE_OVER
        return is_past or not order.has_step


def connect(connection: Connection) -> Processor:
    return AuthorizeNet(connection)
