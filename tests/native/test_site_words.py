"""Lists of words in few bytes, against a reader of their own."""

import collections
import random

import pytest

from picturerail_native.search import SearchArgumentError
from picturerail_native.site_terms import site_words

from .site_bytes import Numbers, Range

LONGER, SHARED = 15, (2, 3, 4, 6, 8, 10, 10, 10)


def words_of(data):
    """Return the words of a list, as SITE.md draws it."""
    numbers = Numbers(data)
    count = numbers.next()
    alphabet = [chr(numbers.next()) for _ in range(numbers.next())]
    width = (len(alphabet) - 1).bit_length() if alphabet else 0
    coder = Range(data[numbers.at :])
    likely = collections.defaultdict(lambda: 8 << 8, {"longer": LONGER << 8})
    likely |= {("shared", place): zeros << 8 for place, zeros in enumerate(SHARED)}

    shared = [("shared", place) for place in range(len(SHARED))]
    words: list[str] = []
    before: list[int] = []
    for _ in range(count):
        length = len(before) + coder.several(likely, ["longer"], 65)
        most = min(len(before), length - 1)
        word = before[: coder.several(likely, shared, most + 1)]
        while len(word) < length:
            context = (word[-1] + 1) % 64 if word else 0
            bits = 1
            for _ in range(width):
                bits = 2 * bits + coder.bit(likely, (context, bits))
            word = [*word, bits - (1 << width)]
        words.append("".join(alphabet[letter] for letter in word))
        before = word
    if count:
        coder.ended()
    return words


def in_turn(words):
    """Return different words as lists have them."""
    return sorted(set(words), key=lambda word: (len(word), word.encode()))


@pytest.mark.parametrize(
    "alphabet",
    [
        "a",
        "ab",
        "abcdefghijklmnopqrstuvwxyzäöüß0123456789",
        "".join(map(chr, range(0x4E00, 0x4E00 + 300))),
        "aé中😀",
    ],
    ids=["one letter", "two", "latin", "many", "long in bytes"],
)
def test_a_list_tells_its_words(alphabet):
    """Words of any letters come back, and those of few letters take few bits."""
    rng = random.Random(len(alphabet))
    words = in_turn(
        "".join(rng.choices(alphabet, k=rng.randrange(1, 65 if number % 9 else 4)))
        for number in range(400)
    )
    data = site_words([word.encode() for word in words])
    assert words_of(data) == words


def test_no_words():
    """Of none nothing is told but that."""
    assert site_words([]) == b"\0\0"
    assert words_of(site_words([])) == []


def test_a_list_of_words_is_short():
    """A list of words as syllables make them takes less than a third of a byte a letter."""
    rng = random.Random(1)
    syllables = [a + b for a in "bdfglmnprstvz" for b in ("a", "e", "i", "o", "an", "er")]
    words = in_turn("".join(rng.choices(syllables, k=rng.randrange(2, 5))) for _ in range(5000))
    assert 3 * len(site_words([word.encode() for word in words])) < sum(map(len, words))


@pytest.mark.parametrize("words", [["abc", "ab"], ["a" * 65], ["", "a"]])
def test_what_is_no_list_is_refused(words):
    """Words out of turn, too long or empty are refused."""
    with pytest.raises(SearchArgumentError, match="1 to 64 letters"):
        site_words([word.encode() for word in words])
