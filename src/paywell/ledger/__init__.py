"""Append-only double entry in one-row transfers. Knows no client and no card."""
