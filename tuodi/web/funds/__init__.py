"""Money: where each yuan is, papers that move it, the settled year, petty cash, the check of the ledger."""
