"""Addresses that machines call: the one that processors notify, and health."""
