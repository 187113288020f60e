"""What lies on disk beside a manifest."""
