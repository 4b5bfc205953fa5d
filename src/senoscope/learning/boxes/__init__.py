"""Networks that put boxes around lesions: what they are, what they learn from, how they are trained, tested, packed."""
