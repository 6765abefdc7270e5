"""What the practice enters in an account's books by hand: payments, credit, adjustments, the insurer's part."""
