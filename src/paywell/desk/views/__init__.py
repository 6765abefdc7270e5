"""Thin views: parse, call one action or query, render."""
