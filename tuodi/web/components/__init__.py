"""View models shared by pages: the explanation tree, steppers, pagination, charts."""
