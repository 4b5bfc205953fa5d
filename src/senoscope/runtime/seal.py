"""The last line of `bundle.json`: a hash over every byte before it.

It tells damage, not malice: whoever rewrites a manifest can seal it again.
"""

import hashlib
import re

LAST_LINE = re.compile(rb',\n "seal": "([0-9a-f]{64})"\n}\n\Z')


def sealed(text: str) -> str:
    """Add the seal to a JSON object of at least one key, as its last key."""
    body = text.rstrip().removesuffix("}").rstrip()
    digest = hashlib.sha256(body.encode("utf-8")).hexdigest()
    return f'{body},\n "seal": "{digest}"\n}}\n'


def is_intact(content: bytes) -> bool:
    """Whether not a byte was changed since `sealed`."""
    found = LAST_LINE.search(content, max(0, len(content) - 100))
    return found is not None and hashlib.sha256(content[: found.start()]).hexdigest() == found[1].decode()
