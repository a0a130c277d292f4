"""Money: the ledger, where each yuan comes from and where it is, petty cash of towns. See docs/money.md."""
