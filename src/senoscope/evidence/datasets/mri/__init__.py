"""Public MRI sets: one file each."""
