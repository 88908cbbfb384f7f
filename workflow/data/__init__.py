"""Datasets: their definition, their files, and how those become clean, split Parquet."""
