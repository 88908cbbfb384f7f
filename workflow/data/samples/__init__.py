"""Built-in samples: made-up rows with the columns, habits and dirt of real tables."""
