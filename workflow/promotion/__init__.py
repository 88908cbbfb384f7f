"""Which version of a registered model serves: compared, promoted, rolled back."""
