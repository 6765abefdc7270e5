"""Paywell: client portal and billing desk for therapy practices."""

__version__ = "0.1.0"
