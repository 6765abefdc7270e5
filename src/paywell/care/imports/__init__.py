"""Lists of clients and of services that a practice brings along, as CSV."""
