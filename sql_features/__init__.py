"""What every logged model carries with it: row-wise SQL as features, and labels as predictions."""
