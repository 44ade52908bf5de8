"""Training: the loop that all methods share, and the classifiers that judge them."""
