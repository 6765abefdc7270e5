"""Giving money back: a void while the charge is not settled, a refund afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import httpx

from paywell.core.clock import now
from paywell.processors.connectors.authorize_net import asking, reading
from paywell.processors.connectors.authorize_net.client import Answer, Api, Refused
from paywell.processors.connectors.authorize_net.lists import Lists
from paywell.processors.connectors.authorize_net.reading import Transaction
from paywell.processors.contract import Refunded, RefundOrder, Verdict

#: How far back a refund of ours is looked for by its reference: longer than anything waits for its answer.
_LOOK_BACK: Final = timedelta(days=4)
_DUPLICATE: Final = "11"
_APPROVED, _HELD_FOR_REVIEW = "1", "4"


class Refunding:
    """There is no key here: what an earlier call may have done is looked up before anything is sent."""

    def __init__(self, api: Api, lists: Lists) -> None:
        self.api = api
        self.lists = lists

    def refund(self, order: RefundOrder) -> Refunded:
        """All of an unsettled charge by a void, anything of a settled one by a refund.

        `declined` where they say no: more than is left, or a part before settlement (their reason 54).
        """
        try:
            charge = self.lists.get(order.charge_ref)
            made_before = self._find(order, charge)
        except (httpx.HTTPError, Refused, ValueError):
            return self._said(order, Verdict.NOT_SENT)  # nothing was sent that could move money
        if made_before is not None:
            return made_before
        if charge.status == reading.UNSETTLED and order.is_full:
            voided = self._void(order)
            if voided is not None:
                return voided
            charge = self.lists.get(order.charge_ref)  # settled in this very moment, perhaps
            if charge.status == reading.VOIDED:
                return reading.tell_void(charge, reference=order.reference)
        if charge.status != reading.SETTLED:
            return self._said(order, Verdict.DECLINED)
        return self._send(order, charge)

    def look_up(self, order: RefundOrder) -> Refunded:
        """By their number, else by our reference in their lists."""
        try:
            if order.processor_ref and not order.processor_ref.startswith(reading.VOID_PREFIX):
                return reading.tell_refund(self.lists.get(order.processor_ref), reference=order.reference)
            charge = self.lists.get(order.charge_ref)
            return self._find(order, charge) or self._said(order, Verdict.ABSENT)
        except Refused:
            return self._said(order, Verdict.UNKNOWN)

    def _find(self, order: RefundOrder, charge: Transaction) -> Refunded | None:
        """What stands there for this order already."""
        if charge.status == reading.VOIDED and order.money == charge.money:
            return reading.tell_void(charge, reference=order.reference)
        since = max(charge.at, order.created_at or now() - _LOOK_BACK)
        found = self.lists.find(order.reference, since)
        return reading.tell_refund(found[0]) if found else None

    def _void(self, order: RefundOrder) -> Refunded | None:
        """None where it could not be voided."""
        answer = self.api.send("createTransactionRequest", *asking.void(order.charge_ref), may_take_long=True)
        if _code(answer) == _APPROVED:
            ref = reading.VOID_PREFIX + order.charge_ref
            return Refunded(ref, order.money, Verdict.SUCCEEDED, reference=order.reference, is_void=True)
        _refuse_unanswered(answer)
        return None

    def _send(self, order: RefundOrder, charge: Transaction) -> Refunded:
        answer = self.api.send(
            "createTransactionRequest", *asking.refund(order, charge.card.last4),
            reference=order.charge_reference, may_take_long=True,
        )  # fmt: skip
        code, number = _code(answer), answer.text("transactionResponse/transId")
        if code in (_APPROVED, _HELD_FOR_REVIEW) and number not in ("", "0"):
            verdict = Verdict.SUCCEEDED if code == _APPROVED else Verdict.PENDING
            return Refunded(number, order.money, verdict, reference=order.reference, at=None)
        _refuse_unanswered(answer)
        if answer.text("transactionResponse/errors/error/errorCode") == _DUPLICATE:
            return self._find(order, charge) or self._said(order, Verdict.UNKNOWN)
        return self._said(order, Verdict.DECLINED if code in ("2", "3") else Verdict.UNKNOWN)

    def _said(self, order: RefundOrder, verdict: Verdict) -> Refunded:
        return Refunded(order.processor_ref, order.money, verdict, reference=order.reference)


def _code(answer: Answer) -> str:
    """1 approved, 2 declined, 3 error, 4 held for review; empty where there is no transaction at all."""
    return answer.text("transactionResponse/responseCode")


def _refuse_unanswered(answer: Answer) -> None:
    """Without a word about the transaction itself nothing is known, unless the request was never executed."""
    if not _code(answer):
        raise Refused(answer.code)
