"""The test processor with its card fields inside our own page: one screen."""

from __future__ import annotations

from urllib.parse import urlencode

from paywell.processors.connectors.testbench import SETUP, Refused, TestbenchConnector, read_charge
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
    Verdict,
)

__all__ = ["SETUP", "connect"]


class TestInline(TestbenchConnector):
    """`open` reserves, the fields make a token, `submit` takes the money or leads to the bank's question."""

    name = "test_inline"
    style = Style.INLINE
    capabilities = frozenset(Capability)

    def hosts(self) -> Hosts:
        origin = self.api.origin
        return Hosts(frame_src=(origin,), form_action=(origin,))

    def fields(self) -> Fields:
        """The adapter, which makes the frame, adds `&parent=` and its own origin, unless the settings name it."""
        query = {"account": self.api.account}
        portal_origin = self.connection.settings.get("portal_origin", "")
        if portal_origin:
            query["parent"] = portal_origin
        frame_url = f"{self.api.base_url}/fields/?{urlencode(query)}"
        return Fields("test_inline", config={"frame_url": frame_url, "origin": self.api.origin})

    def submit(self, order: ChargeOrder, submission: Submission) -> Outcome:
        if submission.saved_card_token:
            body: dict[str, object] = {"saved_card": submission.saved_card_token}
        else:
            body = {"token": submission.card_token, "save": submission.save_card}
        path = f"/v1/charges/{order.processor_ref}/commit"
        try:
            return read_charge(self.api.call("POST", path, body, key=order.submit_key, may_take_long=True))
        except Refused as refusal:
            return Outcome(Verdict.NOT_SENT, detail=f"refused: {refusal}")


def connect(connection: Connection) -> Processor:
    return TestInline(connection, "inline")
