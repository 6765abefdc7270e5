"""A processor that says yes at once and keeps nothing: what is measured is Paywell's own cost.

It believes the order, so it can stand in two server processes without a store.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from paywell.processors.contract import (
    Capability,
    CardFacts,
    ChargeOrder,
    Connection,
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


class Instant:
    name = "bench"
    style = Style.INLINE
    capabilities = frozenset({Capability.SAVED_CARDS, Capability.FENCE})
    is_test = True

    def hosts(self) -> Hosts:
        return Hosts()

    def fields(self) -> Fields | None:
        return Fields(
            adapter="test_inline",
            config={"frame_url": "http://127.0.0.1:9/fields/", "origin": "http://127.0.0.1:9"},
        )

    def check_setup(self) -> Sequence[str]:
        return ()

    def open(self, order: ChargeOrder) -> Outcome:
        return Outcome(Verdict.PENDING, processor_ref=f"ch_{order.reference}", reference=order.reference)

    def submit(self, order: ChargeOrder, submission: Submission) -> Outcome:
        return self.look_up(order)

    def look_up(self, order: ChargeOrder) -> Outcome:
        return Outcome(
            Verdict.SUCCEEDED,
            processor_ref=f"ch_{order.reference}",
            reference=order.reference,
            money=order.money,
            card=CardFacts("Visa", "4242", 12, 2031),
            live_mode=False,
        )

    def cancel(self, order: ChargeOrder) -> Outcome:
        return self.look_up(order)

    def refund(self, order: RefundOrder) -> Refunded:
        return Refunded(f"re_{order.reference}", order.money, Verdict.SUCCEEDED, order.reference)

    def look_up_refund(self, order: RefundOrder) -> Refunded:
        return self.refund(order)

    def list_since(self, since: datetime) -> Iterable[Outcome]:
        return ()

    def list_cards(self, customer_ref: str) -> Sequence[SavedCardFacts]:
        return ()

    def forget_card(self, card: SavedCardFacts) -> Outcome:
        return Outcome(Verdict.CANCELED)

    def read_notice(self, notice: RawNotice) -> Sequence[Report]:
        return ()


def connect(connection: Connection) -> Processor:
    return Instant()
