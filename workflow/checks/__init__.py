"""What is looked for in the data before anything is computed, and how they are distributed."""
