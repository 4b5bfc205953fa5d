"""A recipe from folds to bundle and report."""
