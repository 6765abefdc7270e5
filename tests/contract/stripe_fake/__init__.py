"""A small stateful Stripe: what the connectors are tested against where no network is.

It follows what Stripe publishes and what others measured against its test mode: keys and their replays (also of a
500), amounts and limits of refunds, declines and their codes, bank checks, sessions that expire or complete,
payment methods and to whom they belong, disputes, lists, signed events. `tests/contract/test_stripe_fake.py` holds
it to that; `judge` holds every request to the types of Stripe's own SDK.
"""
