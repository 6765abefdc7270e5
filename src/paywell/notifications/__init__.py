"""Turns outbox events into e-mails free of clinical detail; delivery log. Nobody calls it."""
