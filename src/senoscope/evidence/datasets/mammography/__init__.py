"""Public mammography sets: one file each."""
