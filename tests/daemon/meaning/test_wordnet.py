"""What the built-in excerpt of WordNet says."""

import pytest

from picturerail_daemon.meaning.wordnet import Relation, WordNet


@pytest.fixture(scope="module")
def wordnet():
    """Read the table once."""
    return WordNet()


@pytest.mark.parametrize(
    ("word", "lemma"),
    [("children", "child"), ("beaches", "beach"), ("running", "run"), ("women", "woman"),
     ("geese", "goose"), ("bigger", "big"), ("studies", "study")],
)  # fmt: skip
def test_forms_have_their_lemma(wordnet, word, lemma):
    """Regular and irregular forms lead to the base form."""
    assert lemma in wordnet.lemmas(word)
    assert wordnet.relation(word, lemma) == (Relation.FORM, 0)


@pytest.mark.parametrize(
    ("word", "tag", "relation"),
    [
        ("automobile", "car", Relation.SYNONYM),
        ("animal", "dog", Relation.ABOVE),
        ("puppy", "dog", Relation.BELOW),
        ("dog", "cat", Relation.BESIDE),
        ("zebra", "horse", Relation.BESIDE),
        ("meadow", "grass", Relation.NONE),
        ("gossip", "cat", Relation.NONE),
    ],
)
def test_relations(wordnet, word, tag, relation):
    """A tag is taken in its first sense: a cat that gossips is not seen in a picture."""
    assert wordnet.relation(word, tag)[0] is relation


def test_kin_are_single_words_above(wordnet):
    """Words that are too general to search for are no kin."""
    kin = wordnet.kin("dog", 4)

    assert {"canine", "carnivore"} & kin
    assert not {"entity", "object", "whole"} & kin
    assert wordnet.kin("xqzzy", 4) == frozenset()
