"""Training; torch lives here and nowhere else."""
