"""Proves the ranges of pyproject.toml: what a user does, with the oldest and the newest of each."""
