"""Model families: what each fits, where it is searched, how it is encoded, and the metrics."""
