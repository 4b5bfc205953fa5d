"""Nouns, files to images, preprocessing, clinical tasks, errors."""
