"""Nouns of the field: no format, no input or output."""
