"""Text to jobs."""
