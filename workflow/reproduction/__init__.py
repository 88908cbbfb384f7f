"""A registered version made again from its own record, and compared with it."""
