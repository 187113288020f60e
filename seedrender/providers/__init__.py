"""Our side of the wires."""
