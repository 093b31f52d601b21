"""Pictures that are as real ones are where it matters to a search, and what is asked of them."""

from __future__ import annotations

import collections
import itertools
import random

SEED = 7
LITTLE = {
    "a": 30, "in": 12, "the": 12, "on": 7, "and": 7, "with": 5, "of": 5, "is": 4, "to": 2, "at": 2,
    "his": 2, "for": 1, "an": 1, "by": 1, "from": 1, "up": 1, "over": 1, "their": 1,
}  # fmt: skip
"""Words that say little, about as often as they are beside one another in captions in English."""
SHARE_OF_LITTLE = 0.4
CAMERAS = ("Canon EOS 90D", "FUJIFILM X-T4", "Apple iPhone 13", "SONY ILCE-7M3")


def documents(count: int, *, sentences: bool = False) -> list[tuple[str, str, str]]:
    """Return (filename, caption, camera) of so many pictures.

    `sentences`: between the words of captions stand such as say little.
    """
    rng = random.Random(SEED)
    syllables = [
        a + b for a in "bdfglmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "in")
    ]
    words = list(
        dict.fromkeys("".join(rng.choices(syllables, k=rng.randrange(2, 5))) for _ in range(40_000))
    )
    words = words[:20_000]
    weights = list(itertools.accumulate(1 / (rank + 3) ** 1.05 for rank in range(len(words))))

    def caption() -> str:
        told = rng.choices(words, cum_weights=weights, k=rng.randint(10, 30))
        if not sentences:
            return " ".join(told)
        little = list(LITTLE)
        between = rng.choices(little, weights=list(LITTLE.values()), k=len(told))
        return " ".join(
            word if rng.random() > SHARE_OF_LITTLE else other
            for word, other in zip(told, between, strict=True)
        )

    return [(f"IMG_{number:06}.jpg", caption(), rng.choice(CAMERAS)) for number in range(count)]


def telling(caption: str) -> list[str]:
    """Return the words of a caption but those that say little."""
    return [word for word in caption.split() if word not in LITTLE]


def sample(rng: random.Random, of: list[tuple[str, str, str]], count: int) -> list[str]:
    """Return so many words of some caption, of those that say something."""
    words: list[str] = []
    while len(words) < count:
        words = telling(rng.choice(of)[1])
    return rng.sample(words, count)


def queries(of: list[tuple[str, str, str]]) -> dict[str, str]:
    """Return queries by what they are: of words by their frequency."""
    counts = collections.Counter(word for _, caption, _ in of for word in set(telling(caption)))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    caption = telling(of[len(of) // 2][1])
    middle = ranked[len(ranked) // 40]
    return {
        "common": ranked[0],
        "middle": middle,
        "rare": ranked[len(ranked) // 2],
        "two common": f"{ranked[1]} {ranked[2]}",
        "two": f"{ranked[3]} {middle}",
        "three": " ".join(sorted(caption, key=lambda word: -counts[word])[:3]),
        "phrase": f'"{caption[0]} {caption[1]}"',
        "prefix": ranked[5][:3],
        "misspelt": middle[1] + middle[0] + middle[2:],
    }


def several(of: list[tuple[str, str, str]]) -> dict[str, list[str]]:
    """Return queries of several words by how frequent these are, since single ones differ much."""
    rng = random.Random(SEED)
    counts = collections.Counter(word for _, caption, _ in of for word in set(telling(caption)))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    most, many, few = ranked[:12], ranked[40:200], ranked[500:5000]

    def of_caption() -> str:
        return rng.choice(telling(rng.choice(of)[1]))

    def some(count: int) -> str:
        return " ".join(sample(rng, of, count))

    def in_a_row(count: int) -> str:
        words = rng.choice(of)[1].split()
        begin = rng.randrange(len(words) - count + 1)
        return " ".join(words[begin : begin + count])

    def misspelt(word: str) -> str:
        at = rng.randrange(len(word) - 1)
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]

    return {
        "two of the 12 most frequent": [" ".join(rng.sample(most, 2)) for _ in range(12)],
        "one of these and one of the 200": [
            f"{rng.choice(most)} {rng.choice(many)}" for _ in range(12)
        ],
        "one of these and a rarer one": [
            f"{rng.choice(most)} {rng.choice(few)}" for _ in range(24)
        ],
        "two of the 200": [" ".join(rng.sample(many, 2)) for _ in range(12)],
        "three of the 12": [" ".join(rng.sample(most, 3)) for _ in range(12)],
        "two of the 12 and one of the 200": [
            " ".join((*rng.sample(most, 2), rng.choice(many))) for _ in range(24)
        ],
        "the three most frequent of a caption": [
            " ".join(sorted(set(telling(rng.choice(of)[1])), key=lambda word: -counts[word])[:3])
            for _ in range(24)
        ],
        "two of a caption": [some(2) for _ in range(24)],
        "three of a caption": [some(3) for _ in range(48)],
        "three of different captions": [
            f"{of_caption()} {of_caption()} {of_caption()}" for _ in range(24)
        ],
        "one or another of a caption": [some(2).replace(" ", " OR ") for _ in range(24)],
        "one without another": [f"{of_caption()} -{of_caption()}" for _ in range(24)],
        "a camera and one of a caption": [
            f"{rng.choice(CAMERAS).split()[0]} {of_caption()}" for _ in range(24)
        ],
        "one in a field": [f"caption:{of_caption()}" for _ in range(12)],
        "one and two years": [f"{of_caption()} date:2005..2006" for _ in range(12)],
        "a phrase of a caption": [f'"{in_a_row(2)}"' for _ in range(24)],
        "one misspelt": [misspelt(of_caption()) for _ in range(24)],
        **(
            {
                "three in a row": [in_a_row(3) for _ in range(24)],
                "five in a row": [in_a_row(5) for _ in range(24)],
            }
            if any(word in LITTLE for word in of[0][1].split())
            else {}
        ),
    }


def visits(of: list[tuple[str, str, str]]) -> dict[str, list[str]]:
    """Return what a visitor may ask one after the other, by its kind."""
    rng = random.Random(SEED)

    def some(count: int) -> list[str]:
        return sample(rng, of, count)

    typed = [word[:end] for word in some(8) for end in range(2, len(word) + 1)]
    return {
        "words of captions": [some(1)[0] for _ in range(31)],
        "two of one caption": [" ".join(some(2)) for _ in range(31)],
        "letter by letter": typed,
    }
