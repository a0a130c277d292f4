"""Pages of the line to a bank: its state, statements, a batch with its answers, what somebody must see to."""
