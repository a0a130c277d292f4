"""Pages of residents, under `/my/`: phone first, readable without a script."""
