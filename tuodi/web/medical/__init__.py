"""Money to bodies: orders and their accounts, single bills and corrections, premiums of recipients, the emergency fund."""
