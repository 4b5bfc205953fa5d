"""Bundles that ship."""
