"""What to do, and what to say about it."""
