"""A model on a dataset, measured."""
