"""Complaints, appeals and ratings, for those who answer them."""
