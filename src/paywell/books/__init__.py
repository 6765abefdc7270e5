"""The twelve laws that Paywell's books obey, checked by a program written apart from what it checks."""
