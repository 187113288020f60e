"""How commands print: streams, log and listeners."""
