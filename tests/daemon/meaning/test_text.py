"""Where texts lie among pictures."""

import numpy as np
import pytest

from picturerail_daemon.meaning.words import WordVectors


@pytest.fixture(scope="module")
def words():
    """Load the built-in vectors once."""
    return WordVectors("builtin", 100)


def near(words, query, *tags):
    """Return the cosine of a query with a picture of some tags."""
    return float(words.encode(query) @ words.encode_picture([(t, 1.0) for t in tags], ""))


def test_what_belongs_together_is_nearer_than_what_does_not(words):
    """Words that no tag has still tell pictures apart."""
    assert near(words, "rocket launch", "missile") > words.least
    assert near(words, "drink", "espresso", "cup") > words.least
    assert near(words, "kitten", "cat", "pet") > words.least
    assert near(words, "parliament", "grass", "field") < 0.2
    assert near(words, "kitten", "car", "road") < 0.2


def test_captions_and_unsure_tags_count_less(words):
    """A vector leans to what is sure."""
    sure = words.encode_picture([("cat", 1.0), ("car", 0.1)], "")
    unsure = words.encode_picture([("cat", 0.1), ("car", 1.0)], "")
    kitten = words.encode("kitten")

    assert kitten @ sure > kitten @ unsure
    assert words.encode("beach") @ words.encode_picture([], "a walk on the beach") > words.least


def test_nothing_known_has_no_vector(words):
    """Nonsense says nothing, and a slip of the pen what was meant."""
    assert words.encode("xqzzy qqqq") is None
    assert words.encode("") is None
    assert words.encode_picture([("xqzzy", 1.0)], "") is None
    assert np.allclose(words.encode("mountainn"), words.encode("mountain"))


def test_vectors_have_length_one_and_come_out_the_same(words):
    """Another load of the file gives the same bytes."""
    vector = words.encode_picture([("cat", 0.5), ("dog", 0.25)], "two animals")

    assert np.isclose(np.linalg.norm(vector), 1)
    again = WordVectors("builtin", 100).encode_picture([("cat", 0.5), ("dog", 0.25)], "two animals")
    assert np.array_equal(vector, again)


def test_the_space_is_named_by_its_vectors(tmp_path, words):
    """Other vectors are another space, so that they are never compared; nothing is loaded."""
    file = tmp_path / "vectors"
    file.write_text("cat 1 0 0\ndog 0.5 1 0\n")
    other = WordVectors(str(file), 2)

    assert other.space != words.space
    assert other.encode("cat") is not None
