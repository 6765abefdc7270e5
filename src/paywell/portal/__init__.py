"""What a client or contact sees: home, Make a Payment, Payment History, documents, saved cards."""
