"""Pages of the township counter: the work queue, families, cases."""
