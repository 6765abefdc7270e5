"""Notices on their way from the processor: lost, late, twice, out of order, forged, of the other mode."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

from paywell.processors.contract import BadNotice, RawNotice
from tests.faults.processor import Charge

if TYPE_CHECKING:
    from tests.faults.history import History

#: A notice that was not answered with success comes again after so long.
AGAIN_AFTER_S = (60, 300, 1800, 7200)


class Postman:
    """Sends what the processor tells, as unreliably as the plan says."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.random = random.Random(f"{history.plan.kind}:{history.plan.seed}:notices")
        self.number = 0
        self.accepted_forgeries = 0

    def send(self, charge: Charge, what: str) -> None:
        self.number += 1
        chance, late, twice, bad = (self.random.random() for _ in range(4))
        plan = self.history.plan
        if not plan.has_notices or chance < plan.notice_loss:
            return
        if what == "dispute":
            said = charge.disputes[-1]
            what = f"dispute:{said.ref}:{said.amount}:{said.withheld}:{said.status}"
        body = self._body(charge, what, live=False)
        delay = 0.1 + late * 4 if late < 0.8 else (late - 0.8) * 5 * 3600 * 2
        self._deliver(body, "right", delay)
        if twice < 0.15:
            self._deliver(body, "right", delay + twice * 10)
        if bad < 0.04:
            self.number += 1
            self._deliver(self._body(charge, what, live=False), "wrong", 1.0)
        elif bad < 0.07:
            self.number += 1
            self._deliver(self._body(charge, what, live=True), "right", 1.0)

    def _body(self, charge: Charge, what: str, *, live: bool) -> dict[str, Any]:
        return {
            "id": f"evt_{self.number}",
            "charge": charge.ref,
            "reference": charge.reference,
            "kind": what,
            "live": live,
        }

    def _deliver(self, body: dict[str, Any], signature: str, delay: float, tries: int = 0) -> None:
        self.history.call_later(delay, lambda: self._start(body, signature, tries))

    def _start(self, body: dict[str, Any], signature: str, tries: int) -> None:
        history = self.history
        name = f"notice {body['id']}"
        history.loop.spawn(lambda: self._carry(body, signature, tries), name)

    def _carry(self, body: dict[str, Any], signature: str, tries: int) -> None:
        from paywell.payments.notices import access_notified_account, receive_notice

        history = self.history
        raw = RawNotice(json.dumps(body).encode(), {"signature": signature}, "https://here/notices/", history.now())

        def receive() -> Any:
            account = access_notified_account(history.world.processor_account.id)
            return receive_notice(account=account, notice=raw)

        try:
            new = history.request(receive, f"notice {body['id']}")
            if signature == "wrong" or body["live"]:
                self.accepted_forgeries += bool(new)
        except BadNotice:
            return
        except Exception as error:  # the processor sends it again, whatever went wrong here
            history.say(f"notice {body['id']}: not taken ({type(error).__name__})")
            if tries < len(AGAIN_AFTER_S):
                self._deliver(body, signature, AGAIN_AFTER_S[tries], tries + 1)
