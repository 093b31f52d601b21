"""Finds pictures by the nearest meaning, after those that bear the words.

Several spaces may know what a text has to do with pictures: one that was trained with both comes
before the one of the words that were said of a picture. Each has a cosine below which it has
nothing to say, so that nonsense finds nothing. A query that demands or excludes something (a field,
a date, a quotation, -word, word*) is answered by words alone: meaning cannot keep to that.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

from picturerail_daemon.describe.interface import DescriberUnavailable, TextEncoder
from picturerail_native.search import Hit, Match, Reader, Via

log = logging.getLogger(__name__)

FIELD = "meaning"
"""What stands for the field of a match by meaning."""
FARTHEST = 0.8
"""What is less near than this share of the nearest that the words did not find is left out."""
MOST = 50

_DEMANDS = re.compile(r'["*:()]|\.\.|(?:^|\s)-')


def nearest_meaning(
    reader: Reader,
    encoders: Sequence[TextEncoder],
    query: str,
    before: Sequence[Hit],
    limit: int,
) -> list[Hit]:
    """Return what comes after the hits of the words, each with a match in the field "meaning".

    Args:
        reader: the index.
        encoders: give the query a vector, the best first.
        query: as typed.
        before: what the words found; its scores stay above.
        limit: how many hits there may be in all.
    """
    room = min(limit - len(before), MOST)
    if room <= 0 or _DEMANDS.search(query) or not query.strip():
        return []
    text = re.sub(r"\bOR\b", " ", query)
    seen = {hit.id for hit in before}
    ceiling = min((hit.score for hit in before), default=1.0)
    # Scores fall with the cosine within a space, and go on below it in the next.
    found: list[Hit] = []
    for encoder in encoders:
        try:
            vector = encoder.encode(text)
        except DescriberUnavailable as error:
            log.warning("not searched by meaning in %s: %s", type(encoder).__name__, error)
            continue
        if vector is None:
            continue
        every = reader.nearest(encoder.space, vector.data, len(seen) + room)
        near = [hit for hit in every if hit.id not in seen]
        least = max(encoder.least, FARTHEST * near[0].score if near else 0.0)
        for hit in near:
            if hit.score >= least and len(found) < room:
                seen.add(hit.id)
                match = Match(FIELD, query, text.strip(), Via.EXACT, hit.score)
                found.append(Hit(hit.id, ceiling * min(hit.score, 1.0), (match,)))
        ceiling = min((hit.score for hit in found), default=ceiling)
    return found
