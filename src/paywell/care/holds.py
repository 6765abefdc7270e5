"""Whether a service is bound by something above: invoicing registers that it stands on a live invoice."""

from __future__ import annotations

from paywell.core.holds import Holds

_holds = Holds()
register = _holds.register
unregister = _holds.unregister
any_held = _holds.any_held
