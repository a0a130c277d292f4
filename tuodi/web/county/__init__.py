"""Pages of the county: monthly runs, roster import, standards."""
