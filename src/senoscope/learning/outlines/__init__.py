"""Networks that mark regions: what they are, what they learn from, how they are trained, tested and packed."""
