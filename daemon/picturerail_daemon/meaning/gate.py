"""Decides which words reach a tag, and how strongly: relatedness is not synonymy.

Word vectors put a cat as near to a dog as to a kitten. WordNet tells them apart: other forms of
a word, synonyms and wider words reach a tag nearly in full, narrower ones and what is only
related less, siblings (two kinds of the same) hardly. The weights were chosen on captioned
photographs, where one caption is the tags and the others' words are what people type;
`make bench-describe` measures them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from picturerail_daemon.meaning.wordnet import Relation, WordNet

VERSION = "gate1"

FORM = 0.95
NEAR = 0.9
"""What a synonym or a wider word is worth beside the word itself."""
STEP = 0.85
"""What is left of that with each step further up."""
WIDEST = 4
RELATED = 0.8
LEAST_SIMILARITY = 0.35
"""What is less similar, and nothing more, does not reach the tag."""
_SHARE = {Relation.BELOW: 0.8, Relation.BESIDE: 0.4, Relation.NONE: 0.8}


def reach(
    tag: str,
    neighbours: Sequence[tuple[str, float]],
    similarity: Callable[[Sequence[str]], Sequence[float]],
    wordnet: WordNet,
) -> tuple[tuple[str, float], ...]:
    """Return the words by which a tag is found with their weights, 0..1, heaviest first.

    Args:
        tag: in small letters.
        neighbours: the words nearest to it, with their cosine similarity.
        similarity: the cosine similarity of the tag with each of some words, 0 where one of
            them is not known.
        wordnet: tells how words stand to each other.
    """
    similar = dict(neighbours)
    others = sorted(wordnet.kin(tag, WIDEST) - similar.keys())
    similar |= dict(zip(others, similarity(others), strict=True))
    near = {word for word, _ in neighbours}
    weights: dict[str, float] = {}
    for word, cosine in similar.items():
        if word == tag:
            continue
        relation, steps = wordnet.relation(word, tag)
        weight = _weight(relation, steps, cosine, near=word in near)
        if weight > 0:
            weights[word] = round(weight, 4)
    return tuple(sorted(weights.items(), key=lambda item: (-item[1], item[0])))


def _weight(relation: Relation, steps: int, cosine: float, *, near: bool) -> float:
    if relation is Relation.FORM:
        return FORM
    if relation is Relation.SYNONYM and cosine >= 0.2:
        return NEAR * max(cosine, 0.4)
    if relation is Relation.ABOVE and steps <= WIDEST:
        return NEAR * STEP ** (steps - 1) * max(cosine, 0.5)
    if not near or cosine < LEAST_SIMILARITY:
        return 0.0
    return RELATED * cosine * _SHARE.get(relation, 0.5)
