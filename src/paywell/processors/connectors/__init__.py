"""One folder per connector. A connector translates between the contract and one processor's API."""
