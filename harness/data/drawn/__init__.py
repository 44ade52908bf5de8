"""What the drawn data sets share: curves, colours, identities from seeds, pixels, and the cached splits."""
