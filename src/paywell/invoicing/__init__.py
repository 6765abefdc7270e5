"""Invoices and their lines, numbering, voiding. Issuing is what makes a service payable."""
