"""Documents: printed forms in proper Chinese typography. Plain data in, PDF bytes out; knows no row and no rule."""
