"""Doing it: files, requests and processes."""
