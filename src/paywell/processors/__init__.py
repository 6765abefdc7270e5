"""The contract with card processors and one folder per connector. No database, no request here."""
