"""Reads that put lower rooms' rows together for the desk's pages. Each is scoped to the staff viewer."""
