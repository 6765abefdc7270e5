"""What payers agreed to: charging a saved card without them being there, AutoPay, payment plans; and doing it."""
