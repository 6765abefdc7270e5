"""Sign-in, second factor, invitations, staff roles and what each role may do."""
