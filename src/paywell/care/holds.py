"""What binds a service from above: invoicing says that it stands on a live invoice, others that it was claimed.

On a live invoice it is neither voided nor edited. Claimed (on an issued superbill, or answered by an insurer) it is
not edited: what was told to others stays what it was, and a mistake is put right by voiding and recording again.
"""

from __future__ import annotations

from paywell.core.holds import Holds

_holds = Holds()
register = _holds.register
unregister = _holds.unregister
any_held = _holds.any_held

_superbills = Holds()
register_superbill = _superbills.register
on_superbill = _superbills.any_held

_answers = Holds()
register_answer = _answers.register
is_answered = _answers.any_held
