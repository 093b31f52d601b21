"""Word vectors and their neighbours."""

import numpy as np
import pytest

from picturerail_daemon.errors import UsageError
from picturerail_daemon.meaning.words import WordVectors


@pytest.fixture(scope="module")
def builtin():
    """Load the built-in vectors once."""
    return WordVectors("builtin", 100)


def test_grass_is_near_meadows_and_fields_and_cars_are_not(builtin):
    """The mission's own example holds in the built-in vectors."""
    near = dict(builtin.neighbours("grass"))

    assert len(near) == 100
    assert {"meadow", "meadows", "field", "fields"} <= near.keys()
    assert "meadow" not in dict(builtin.neighbours("car"))


def test_neighbours_come_nearest_first_and_always_the_same(builtin):
    """Similarities fall, lie in 0..1, and another load of the file gives the same."""
    near = builtin.neighbours("sunset")
    similarities = [similarity for _, similarity in near]

    assert sorted(similarities, reverse=True) == similarities
    assert all(0 < similarity <= 1 for similarity in similarities)
    assert near == WordVectors("builtin", 100).neighbours("sunset")


def test_tags_of_several_or_unknown_words(builtin):
    """Several words are averaged; a word that no vector knows has no neighbours."""
    assert "coffee" in dict(builtin.neighbours("iced espresso"))
    assert builtin.neighbours("xqzzy") == ()
    assert builtin.neighbours("") == ()


def test_unknown_words_count_as_what_they_are_made_of_or_misspell(builtin):
    """A compound is its parts, a slip of the pen the word that was meant."""
    assert {"beaches", "sunrise"} <= dict(builtin.neighbours("sunsetbeach")).keys()
    assert builtin.neighbours("mountainn") == builtin.neighbours("mountain")
    assert builtin.neighbours("qqqqqqqq") == ()


def reach(builtin, tag):
    """Return the weights of the words that reach a tag."""
    return dict(builtin.reach(tag, builtin.neighbours(tag)))


def test_related_is_not_the_same(builtin):
    """Forms and wider words reach a tag, siblings hardly: a cat is found by no dog's name."""
    cat = reach(builtin, "cat")

    assert cat["cats"] > cat["feline"] > cat["dog"]
    assert cat["dog"] < 0.3
    assert dict(builtin.neighbours("cat"))["dog"] > 0.8
    assert reach(builtin, "dog")["animal"] > reach(builtin, "dog")["cat"]
    assert reach(builtin, "child")["children"] > 0.9
    assert {"drink", "coffee"} <= reach(builtin, "espresso").keys()
    assert reach(builtin, "grass")["meadow"] > 0.3
    assert all(0 < weight < 1 for weight in cat.values())


def test_a_tag_without_vectors_is_reached_by_its_forms_and_wider_words(builtin):
    """WordNet knows words that the vectors do not."""
    assert builtin.reach("xqzzy", ()) == ()
    assert "bear" in reach(builtin, "polar bear")


WORDS = {"cat": [1, 0, 0], "kitten": [0.9, 0.1, 0], "car": [0, 0, 1]}


def write_text(path, *, header: bool):
    """Write the words as word2vec's text form, or GloVe's, which has no header."""
    lines = [f"{word} {' '.join(map(str, vector))}" for word, vector in WORDS.items()]
    path.write_text("\n".join(["3 3"] * header + lines) + "\n")


def write_binary(path):
    """Write word2vec's binary form."""
    body = b"".join(
        word.encode() + b" " + np.array(vector, "<f4").tobytes() + b"\n"
        for word, vector in WORDS.items()
    )
    path.write_bytes(b"3 3\n" + body)


def save_keyed(path):
    """Save gensim's own form."""
    from gensim.models import KeyedVectors

    vectors = KeyedVectors(3)
    vectors.add_vectors(list(WORDS), np.array(list(WORDS.values()), np.float32))
    vectors.save(str(path))


@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_text(path, header=True),
        lambda path: write_text(path, header=False),
        write_binary,
        save_keyed,
    ],
    ids=["word2vec-text", "glove", "word2vec-binary", "keyedvectors"],
)
def test_any_vectors_that_gensim_reads_will_do(tmp_path, write):
    """Each form of file is recognised by what it looks like."""
    path = tmp_path / "vectors"
    write(path)

    assert WordVectors(str(path), 1).neighbours("cat")[0][0] == "kitten"


def test_a_missing_or_senseless_file_is_named(tmp_path):
    """The message names the file and the key."""
    with pytest.raises(UsageError, match=r"nothing: .*`meaning.vectors`"):
        WordVectors(str(tmp_path / "nothing"), 1)
    senseless = tmp_path / "senseless"
    senseless.write_bytes(b"\xff" * 100)
    with pytest.raises(UsageError, match="senseless"):
        WordVectors(str(senseless), 1).neighbours("cat")


def test_another_file_or_count_is_another_version(tmp_path):
    """Neighbours found with other vectors are never taken for these."""
    one, two = tmp_path / "one", tmp_path / "two"
    write_text(one, header=True)
    write_text(two, header=False)
    versions = {WordVectors(str(p), n).version for p in (one, two) for n in (1, 2)}

    assert len(versions) == 4


def save_fasttext(path):
    """Train a tiny model and write it as fastText's own binary form."""
    from gensim.models import FastText
    from gensim.models.fasttext import save_facebook_model

    texts = [["cat", "kitten"] * 3, ["car", "road"] * 3]
    model = FastText(texts, vector_size=4, min_count=1, bucket=100, epochs=1, workers=1, seed=1)
    save_facebook_model(model, str(path))


def test_fasttext_knows_words_by_their_parts(tmp_path):
    """A word that the file never saw still has a vector, and so neighbours."""
    path = tmp_path / "model.bin"
    save_fasttext(path)
    words = WordVectors(str(path), 3)

    assert len(words.neighbours("cat")) == 3
    assert len(words.neighbours("kittens")) == 3


def test_a_file_is_kept_in_a_form_that_is_mapped(tmp_path):
    """The second load reads the copy; another file takes its place; a broken one is made anew."""
    path, cache = tmp_path / "vectors.txt", tmp_path / "cache"
    write_text(path, header=True)
    near = WordVectors(str(path), 1, cache).neighbours("cat")
    (kept,) = cache.iterdir()
    second = WordVectors(str(path), 1, cache)
    assert second.neighbours("cat") == near
    assert isinstance(second._vectors.vectors, np.memmap)

    (kept / "vectors").write_bytes(b"broken")
    assert WordVectors(str(path), 1, cache).neighbours("cat") == near

    write_text(path, header=False)
    WordVectors(str(path), 1, cache).neighbours("cat")
    (other,) = cache.iterdir()
    assert other != kept
