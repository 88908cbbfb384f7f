"""Fitting, judging and searching: what train and hpo do with the splits."""
