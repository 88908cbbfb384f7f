"""A dataset from a bare table: types, roles, dates, what gives the target away."""
