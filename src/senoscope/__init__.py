"""Senoscope: breast-imaging AI along the triple assessment. Research use only."""

__version__ = "0.1.0"
