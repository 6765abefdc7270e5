"""Whether an invoice line is held by an open payment: payments registers its claims (AppConfig.ready)."""

from __future__ import annotations

from paywell.core.holds import Holds

_holds = Holds()
register = _holds.register
unregister = _holds.unregister
any_held = _holds.any_held
