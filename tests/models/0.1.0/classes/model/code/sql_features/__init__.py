"""The code that is logged with every model: SQL features and the pipeline of a classifier."""
