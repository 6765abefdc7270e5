"""One module for each thing a person can do in the portal. Views parse, call one action or query, render."""
