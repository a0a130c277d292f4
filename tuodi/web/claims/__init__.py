"""Pages of claims: what families were paid too much, and how it comes back."""
