"""Models of an exam: several images and what is known beside them, answered together."""
