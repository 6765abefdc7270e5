"""Attempts, refunds, disputes, saved cards and consents, processor accounts, stored notices,
the state machine and the reconciler. `settle` is the only writer of outcomes."""
