"""How good a model is, where it is wrong and what it leans on, in numbers and in pictures."""
