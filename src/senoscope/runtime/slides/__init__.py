"""Whole slides: tissue found, cut into tiles, answered tile by tile, stitched, measured and written."""
