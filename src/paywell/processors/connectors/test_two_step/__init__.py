"""The test processor with a payment page of its own: our screen, Next, its page, Submit, and back."""

from __future__ import annotations

from paywell.processors.connectors.testbench import SETUP, TestbenchConnector
from paywell.processors.contract import (
    Capability,
    ChargeOrder,
    Connection,
    Fields,
    Hosts,
    Outcome,
    Processor,
    Style,
    Submission,
)

__all__ = ["SETUP", "connect"]


class TestTwoStep(TestbenchConnector):
    """`open` makes the page, the payer pays there, `submit` and `look_up` read what happened."""

    name = "test_two_step"
    style = Style.TWO_STEP
    capabilities = frozenset(Capability)

    def hosts(self) -> Hosts:
        # Chromium holds form-action against redirects after a form post too: Next leads to this origin.
        return Hosts(form_action=(self.api.origin,))

    def fields(self) -> Fields | None:
        return None

    def submit(self, order: ChargeOrder, submission: Submission) -> Outcome:
        return self.look_up(order)


def connect(connection: Connection) -> Processor:
    return TestTwoStep(connection, "hosted")
