"""Money, ids, clock, errors, outbound HTTP, database helpers. No models."""
