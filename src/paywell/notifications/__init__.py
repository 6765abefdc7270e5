"""Turns outbox events into e-mails free of clinical detail, amounts and names of services. Nobody calls it."""
