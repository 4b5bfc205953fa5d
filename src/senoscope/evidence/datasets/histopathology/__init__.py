"""Public histopathology sets: one file each."""
