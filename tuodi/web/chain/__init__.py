"""The whole way of money, for who oversees it: from appropriation to card, down to the line, and back up again."""
