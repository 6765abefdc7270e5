"""The test processor: a card processor of its own, with its own address, its own database and its own pages.

Paywell's connectors reach it over HTTP as they would a real one, and no module of Paywell's reads its tables.
No real money, and no real card: it keeps what a test card is meant to do, never a number.
It knows nothing of Django but the command that starts it (`paywell test_processor`).
"""
