"""The connectors that Paywell knows. Adding one: its folder, and its line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from paywell.processors.contract import Connection, Processor, Setup, Style
from paywell.processors.guard import Guarded


@dataclass(frozen=True, slots=True)
class Connector:
    """One kind of processor that a practice can connect."""

    name: str
    label: str
    style: Style
    module: str  #: has `connect(Connection) -> Processor`, and `SETUP`: what the practice enters
    is_test: bool = False
    tells_fees: bool = True  #: the same as its `Capability.FEES`, known without a connection


CONNECTORS: dict[str, Connector] = {
    connector.name: connector
    for connector in (
        Connector("stripe", "Stripe", Style.INLINE, "paywell.processors.connectors.stripe"),
        Connector(
            "stripe_checkout", "Stripe Checkout", Style.TWO_STEP, "paywell.processors.connectors.stripe_checkout"
        ),
        Connector(
            "test_inline", "Test processor, one screen", Style.INLINE,
            "paywell.processors.connectors.test_inline", is_test=True,
        ),
        Connector(
            "test_two_step", "Test processor, two steps", Style.TWO_STEP,
            "paywell.processors.connectors.test_two_step", is_test=True,
        ),
        Connector(
            "authorize_net", "Authorize.Net", Style.TWO_STEP, "paywell.processors.connectors.authorize_net",
            tells_fees=False,
        ),
        Connector("square", "Square", Style.INLINE, "paywell.processors.connectors.square"),
    )
}  # fmt: skip


def get_setup(name: str) -> Setup:
    """What the practice enters to connect. Raises KeyError for a name that is not registered."""
    setup: Setup = import_module(CONNECTORS[name].module).SETUP
    return setup


def connect(name: str, connection: Connection) -> Processor:
    """The connector `name` for one account, guarded. Raises KeyError for a name that is not registered."""
    make: Callable[[Connection], Processor] = import_module(CONNECTORS[name].module).connect
    return Guarded(make(connection))
