"""Model families: their estimators, search spaces and encoding; and the metrics."""
