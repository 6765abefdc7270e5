"""What only a test processor has: a way to script it, and the buttons of a processor's own dashboard."""

from __future__ import annotations

from datetime import datetime

from paywell.core.clock import now
from paywell.processors.testbench import charges, faults, notices, payouts, refunds
from paywell.processors.testbench.api import Api, show_payout, show_refund
from paywell.processors.testbench.store import Row
from paywell.processors.testbench.web import Refused, Request, Response, answer


class Scripting:
    """Under `/test/`, with the account's own key."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.store = api.store

    def add_fault(self, request: Request) -> Response:
        account = self.api.authenticate(request)
        body = request.json()
        faults.script(
            self.store,
            account,
            call=str(body.get("call", "")),
            kind=str(body.get("kind", "")),
            value=str(body.get("value", "")),
            times=int(body.get("times", 1)),
        )
        return answer({"ok": True})

    def clear_faults(self, request: Request) -> Response:
        faults.clear(self.store, self.api.authenticate(request))
        return answer({"ok": True})

    def settle_charge(self, request: Request, charge_id: str) -> Response:
        """Let a pending charge succeed or be declined now."""
        account = self.api.authenticate(request)
        status = str(request.json().get("status", ""))
        if status not in ("succeeded", "declined"):
            raise Refused(400, "bad_request", "status is succeeded or declined.")
        with self.store.transaction():
            charge = charges.settle(self.store, self._charge(account, charge_id), status)
            return answer(self.api.show(request, charge))

    def make_refund(self, request: Request) -> Response:
        """A refund made at the processor: it has no reference of ours."""
        account = self.api.authenticate(request)
        body = request.json()
        with self.store.transaction():
            charge = self._charge(account, str(body.get("charge", "")))
            row = refunds.refund(self.store, charge, amount=int(body.get("amount", 0)), reference="")
            return answer(show_refund(charge, row))

    def settle_refund(self, request: Request, refund_id: str) -> Response:
        account = self.api.authenticate(request)
        with self.store.transaction():
            row = refunds.settle_refund(self.store, account, refund_id, str(request.json().get("status", "")))
            return answer(show_refund(self._charge(account, row["charge"]), row))

    def open_dispute(self, request: Request) -> Response:
        account = self.api.authenticate(request)
        body = request.json()
        with self.store.transaction():
            charge = self._charge(account, str(body.get("charge", "")))
            amount = int(body.get("amount") or charge["captured"])
            return answer(refunds.dispute(self.store, charge, amount))

    def close_dispute(self, request: Request, dispute_id: str) -> Response:
        account = self.api.authenticate(request)
        status = str(request.json().get("status", ""))
        with self.store.transaction():
            return answer(refunds.close_dispute(self.store, account, dispute_id, status))

    def make_payout(self, request: Request) -> Response:
        """Pay out now what has moved so far; `extra` minor units of it are explained by nothing."""
        account = self.api.authenticate(request)
        body = request.json()
        currency, extra = str(body.get("currency", "USD")), int(body.get("extra", 0))
        with self.store.transaction():
            row = payouts.make_payout(self.store, account, currency=currency, made=now(), extra=extra)
            if row is None:
                raise Refused(422, "nothing_to_pay_out", "Nothing has moved since the last payout.")
            return answer(show_payout(row))

    def date_entries(self, request: Request) -> Response:
        """Move what is in no payout yet to other moments: `{"<charge or refund>": "<ISO moment>"}`."""
        account = self.api.authenticate(request)
        moments = {name: datetime.fromisoformat(str(at)) for name, at in request.json().items()}
        with self.store.transaction():
            payouts.date_entries(self.store, account, moments)
        return answer({"ok": True})

    def fail_payout(self, request: Request, payout_id: str) -> Response:
        account = self.api.authenticate(request)
        with self.store.transaction():
            return answer(show_payout(payouts.fail_payout(self.store, account, payout_id)))

    def list_notices(self, request: Request) -> Response:
        account = self.api.authenticate(request)
        rows = self.store.all("SELECT * FROM notices WHERE account = ? ORDER BY number", account)
        return answer({"data": rows})

    def release_notices(self, request: Request) -> Response:
        """Send what was held back, the latest first."""
        notices.release(self.store, self.api.authenticate(request))
        return answer({"ok": True})

    def repeat_notices(self, request: Request) -> Response:
        """Send everything again that was ever sent: a replay."""
        account = self.api.authenticate(request)
        self.store.execute("UPDATE notices SET state = 'waiting', tries = 0 WHERE account = ?", account)
        return answer({"ok": True})

    def _charge(self, account: str, charge_id: str) -> Row:
        if self.store.get("charges", account, charge_id) is None:
            raise Refused(404, "not_found", "There is no such charge.")
        return charges.read(self.store, charge_id)
