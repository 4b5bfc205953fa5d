"""What is wrong with a dataset as it lies on a disk."""
