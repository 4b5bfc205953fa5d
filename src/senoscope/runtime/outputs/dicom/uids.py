"""Unique identifiers that are the same whenever the same is said of the same images."""

import uuid

NAMESPACE = uuid.UUID("5d1f0b0e-3f0e-5c62-9a39-6f6d3c1f2a77")
"""Of all identifiers made here; to change it would store every object a second time."""


def uid(*parts: object) -> str:
    """UID of the `2.25.` kind (PS3.5 B.2) from what it stands for: equal parts, equal UIDs; at most 44 characters."""
    # Each part with its length, lest ("a", "bc") and ("ab", "c") are one.
    text = "".join(f"{len(str(part))}:{part}" for part in parts)
    return f"2.25.{uuid.uuid5(NAMESPACE, text).int}"
