"""Masks proposed by colour, as a start for who annotates."""
