"""What the practice earned, took in, is owed and owes: sums over the ledger's transfers, for the desk's reports."""
