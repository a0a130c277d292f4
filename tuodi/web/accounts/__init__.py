"""Accounts, duties, the security of sign-in, and the audit log: the screens of the three administrators, and everybody's own."""
