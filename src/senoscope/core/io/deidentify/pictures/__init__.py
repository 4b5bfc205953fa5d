"""What pictures say in words: in their pixels, and beside these in compressed frames."""
