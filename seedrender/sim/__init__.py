"""The other side of the wires: a provider that makes simulated footage."""
