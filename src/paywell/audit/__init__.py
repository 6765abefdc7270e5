"""Who did or viewed what: append-only, chained by hash."""
