"""Names of a listing's shards: their content names them, so a host may cache them for ever.

Old and new ones never mix: the one file with a fixed name, written last, names all others.
"""

from __future__ import annotations

import hashlib


def shard_name(data: bytes) -> str:
    """Return the name of a shard of these bytes."""
    return f"{hashlib.blake2b(data, digest_size=10).hexdigest()}.json"
