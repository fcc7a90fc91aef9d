"""A storm of faults over many requests, by seed, and what must hold after it."""
