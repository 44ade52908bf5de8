"""What ours is timed against: the straightforward way of doing the same, kept readable and never optimized."""
