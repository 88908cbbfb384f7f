"""The tracking store: names, runs, inputs, models, versions; what is found there again."""
