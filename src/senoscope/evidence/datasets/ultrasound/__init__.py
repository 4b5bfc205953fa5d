"""Public ultrasound sets: one file each."""
