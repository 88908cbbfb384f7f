"""The process: how it begins, is interrupted and ends, what it says; it changes no number."""
