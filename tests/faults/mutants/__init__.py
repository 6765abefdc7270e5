"""Guards of the payment path, each switched off from outside: the simulation must notice every one.

A mutant is a patch of the product's modules for the time of a history. What it shows is that the guard is needed,
and that the oracle looks where it must. `EQUIVALENT` names guards that may go without harm, because another one
stands behind them, and says which.
"""

from __future__ import annotations

from tests.faults.mutants import agreed, refunds, restores, settling, starting
from tests.faults.mutants.registry import MUTANTS, Mutant, switched_off

__all__ = [
    "EQUIVALENT",
    "MUTANTS",
    "Mutant",
    "agreed",
    "refunds",
    "restores",
    "settling",
    "starting",
    "switched_off",
]

#: Guards that may go, and what then holds.
EQUIVALENT: dict[str, str] = {
    "unique source of a posting": "the state graph posts on the way to succeeded only; both off: posted_again",
    "keys that no sequence gives again after a restore": "keys and references are drawn at random (`core.ids`); a "
    "rebuilt row gets new ones, and the tables refuse a key that is there",
    "lease of the outbox": "each e-mail has a lease of its own; both off: no_mail_lease",
    "lease of a look-up": "a look-up only reads, and settling twice changes nothing; the lease saves calls",
    "a notice is marked done after its effect": "the reconciler and the sweep find what a lost notice told",
    "a notice is stored once (the application's check)": "the unique rule of the table refuses the second",
    "new key when `open` is repeated": "what `open` makes can't take money, and the sweep fences what nobody used",
    "payments under way are not replaced": "replacing begins with a fence, which they survive: it stops there",
    "a refund is decided under the lock (K, O, H)": "these processors refuse to give back more than they took",
    "refund refused in a dispute": "the processor refuses it too, and the refund's row fails with a review",
}
