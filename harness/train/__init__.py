"""Training: the loop that all methods share, and the training of the judges."""
