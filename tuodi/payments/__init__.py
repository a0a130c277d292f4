"""Money to families: the monthly run, the ledger, bank files and their answers. Append-only, in fen."""
