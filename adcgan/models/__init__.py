"""Layer tables, networks and losses: section 2.1 of the paper."""
