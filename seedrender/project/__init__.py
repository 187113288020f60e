"""What lies on disk beside a manifest; commands that only read may import it."""
