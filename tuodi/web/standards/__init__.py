"""Pages of making standards: proposals, what-if, price linkage."""
