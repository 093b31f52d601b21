"""Words that are nearly those of a collection, in many scripts."""

import random

import pytest

from picturerail_native.search import Reader

from .helpers import index_only, plain

SCRIPTS = {
    "latin": "abcdefghijklmnopqrstuvwxyz",
    "greek": "αβγδεζηθικλμνξοπρστυφχψω",
    "cyrillic": "абвгдежзиклмнопрстуфхцчшщыэюя",
    "arabic": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "hangul": "가나다라마바사아자차카타파하",
}


@pytest.mark.parametrize("letters", SCRIPTS.values(), ids=SCRIPTS)
def test_misspelt_words_in_many_scripts(letters, node, source, tmp_path):
    """One letter more, less, another, two swapped: what is meant is found as by the engine."""
    rng = random.Random(letters)
    words = ["".join(rng.choices(letters, k=rng.randrange(4, 12))) for _ in range(400)]
    for number, word in enumerate(words):
        source.add(f"{number}.jpg", plain((1, 2, 3)), caption=f"{word} {rng.choice(words)}")
    index_only(source, {}, tmp_path)

    def misspelt(word):
        at = rng.randrange(len(word) - 1)
        return rng.choice(
            [
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
                word[:at] + word[at + 1 :],
                word[:at] + rng.choice(letters) + word[at:],
                word[:at] + rng.choice(letters) + word[at + 1 :],
            ]
        )

    queries = [misspelt(rng.choice(words)) for _ in range(60)]

    answers = node(tmp_path, [["search", query] for query in queries])["answers"]

    corrected = 0
    with Reader(tmp_path / "engine") as reader:
        for query, answer in zip(queries, answers, strict=True):
            best = reader.search(query, limit=1000).hits
            assert {hit.id for hit in best} == {hit["id"] for hit in answer["hits"]}, query
            corrected += bool(answer["corrected"])
    assert corrected > 30
