"""Public thermography sets: one file each."""
