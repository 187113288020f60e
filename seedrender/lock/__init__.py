"""What happened: fingerprints, and the lockfile as a join of facts."""
