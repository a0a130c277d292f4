"""A year of 荆门 and two half-years played month by month: the roll, the money, the bank, the books that balance."""
