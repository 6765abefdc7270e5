"""Freezes and renders invoices, superbills and receipts, as PDF and as a printable page."""
