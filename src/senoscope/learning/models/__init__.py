"""Backbones, heads and their closed-form explanation."""
