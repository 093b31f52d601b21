"""What is near in meaning and borne by no picture, found in the browser without a model."""

import dataclasses
import random

import numpy as np
import pytest

from picturerail_exporter.search_meaning import MOST, Meaning, Vocabulary

from .helpers import plain, tree

WORDS = [f"word{number}" for number in range(30)]
SPACES = {"model/1": (6, 0.3), "texts/1": (40, 0.25)}


def vocabularies():
    """Return two spaces' vocabularies; the second knows some words only."""
    rng = np.random.default_rng(5)
    found = []
    for space, (dimension, least) in SPACES.items():
        words = WORDS if space == "model/1" else WORDS[::2]
        vectors = rng.normal(size=(len(words), dimension)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        found.append(Vocabulary(space, least, words, vectors))
    return found


@pytest.fixture
def meant(options):
    """Options of a site that tells what words mean."""
    return dataclasses.replace(options, meaning=Meaning("test 1", vocabularies))


def vector(rng, space):
    """Return some picture's vector in a space, of any length."""
    return rng.normal(size=SPACES[space][0]) * rng.uniform(0.5, 3)


def brute_force(vectors, space, word):
    """Return (id, cosine) of the pictures near a word, the nearest first."""
    vocabulary = next(each for each in vocabularies() if each.space == space)
    if word not in vocabulary.words:
        return []
    target = np.rint(vocabulary.vectors[list(vocabulary.words).index(word)] * 127)
    found = []
    for number, of in vectors.items():
        if space in of:
            mine = of[space].astype("<f2").astype(np.float32)
            code = np.rint(mine / np.linalg.norm(mine) * 127)
            score = int(code @ target)
            if score >= round(vocabulary.least * 127 * 127):
                found.append((number, score))
    found.sort(key=lambda each: (-each[1], each[0]))
    return found[:MOST]


def test_the_nearest_are_found(node, source, publish, meant):
    """Of each word the nearest pictures are those that a look at all of them finds."""
    rng = np.random.default_rng(6)
    vectors = {}
    for number in range(1, 161):
        source.add(f"{number}.jpg", plain((1, 2, number)))
        vectors[number] = {space: vector(rng, space) for space in SPACES if rng.random() < 0.8}
        for space, of in vectors[number].items():
            source.looks(number, of, space)
    publish(meant)

    answers = node(meant.path, [["meaning", word] for word in [*WORDS, "unknown"]])["answers"]

    assert any(len(spaces[0]) == MOST for spaces in answers if spaces)
    assert answers.pop() == []
    for word, spaces in zip(WORDS, answers, strict=True):
        expected = [brute_force(vectors, space, word) for space in SPACES]
        told = [[(near["id"], near["similarity"]) for near in space] for space in spaces]
        assert [[n for n, _ in near] for near in told] == [[n for n, _ in e] for e in expected]
        for near, exact in zip(told, expected, strict=True):
            similar = [score / 127**2 for _, score in exact]
            assert [each for _, each in near] == pytest.approx(similar, abs=1 / 255)


def test_what_is_near_follows_what_bears_the_words(node, source, publish, meant):
    """Hits by meaning come after those of words, are no hits twice, and none of demands."""
    one = vocabularies()[0].vectors[3]
    source.add("1.jpg", plain((1, 2, 1)), caption="word3")
    source.add("2.jpg", plain((1, 2, 2)), caption="else")
    source.add("3.jpg", plain((1, 2, 3)), caption="other word3")
    for number in (1, 2):
        source.looks(number, one, "model/1")
    source.looks(3, -one, "model/1")
    publish(meant)
    asked = [
        "word3",
        "word3 word3",
        "nobody word3",
        "-word3",
        "tag:word3",
        "word3 2019..",
        "word29",
    ]

    found = node(meant.path, [["search", query] for query in asked])["answers"]

    ways = [
        [(hit["id"], hit["matches"][0]["via"] if hit["matches"] else "") for hit in each["hits"]]
        for each in found
    ]
    assert ways[0] == [(1, "exact"), (3, "exact"), (2, "meaning")]
    assert found[0]["total"] == 3
    assert found[0]["hits"][2]["score"] <= found[0]["hits"][1]["score"]
    assert ways[1] == ways[0]
    assert (2, "meaning") in ways[2]
    assert all(via != "meaning" for each in ways[3:6] for _, via in each if each)


def test_incremental_equals_full(source, publish, meant, tmp_path):
    """Whatever comes, goes or gets another vector, what is shipped is as if made anew."""
    print("seed 8")
    rng, vectors_rng = random.Random(8), np.random.default_rng(8)
    for number in range(1, 90):
        source.add(f"{number}.jpg", plain((1, 2, number)))
        source.looks(number, vector(vectors_rng, "model/1"), "model/1")
    for step in range(8):
        publish(meant)
        for _ in range(rng.choice([1, 1, 12])):
            number = rng.choice(sorted(source.rows))
            match rng.randrange(4):
                case 0:
                    source.delete(number)
                case 1:
                    source.looks(number, None, "model/1")
                case 2:
                    space = rng.choice(list(SPACES))
                    source.looks(number, vector(vectors_rng, space), space)
                case 3:
                    name = f"{len(source.rows)}-{step}.jpg"
                    source.add(name, plain((3, step, 7)), number=max(source.rows) + 1)
                    source.looks(max(source.rows), vector(vectors_rng, "texts/1"), "texts/1")
    publish(meant)

    fresh = dataclasses.replace(meant, path=tmp_path / "fresh")
    publish(fresh)

    assert tree(meant.path / "search") == tree(fresh.path / "search")
