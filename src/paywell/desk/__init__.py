"""What the practice sees: switches, clients, services, invoices, incoming payments."""
